# SPDX-License-Identifier: MIT
"""Checkouts over real ssh and https, of honest and of malicious repositories.

The room is driven by tests/workspace/test_drive.c, so that nothing but it is under test.
"""
import base64
import errno
import http.server
import os
import pathlib
import pwd
import shutil
import signal
import ssl
import stat
import subprocess
import tempfile
import threading
import time
import uuid

import pytest

from harness import PYLON, free_port, wait_for

DRIVE = os.path.join(os.path.dirname(os.path.abspath(PYLON)), "tests", "unit_workspace_drive")
SECRET = "s3cret-passw0rd"


def git(*args, cwd=None, **kw):
    env = dict(os.environ, GIT_CONFIG_NOSYSTEM="1", GIT_CONFIG_GLOBAL="/dev/null", LC_ALL="C",
               GIT_AUTHOR_NAME="A", GIT_AUTHOR_EMAIL="a@example.org", GIT_COMMITTER_NAME="A",
               GIT_COMMITTER_EMAIL="a@example.org")
    r = subprocess.run(["git", "-c", "safe.directory=*", "-c", "protocol.file.allow=always", *args],
                       cwd=cwd, env=env, text=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, check=False, **kw)
    assert r.returncode == 0, r.stdout
    return r.stdout.strip()


class Source:
    """A work tree to write in, and the bare repository that is served."""

    def __init__(self, folder, name="repo"):
        self.bare = os.path.join(folder, name + ".git")
        self.tree = os.path.join(folder, name + "-tree")
        git("init", "-q", "--bare", "-b", "main", self.bare)
        git("clone", "-q", self.bare, self.tree)
        git("checkout", "-q", "-b", "main", cwd=self.tree)
        self.commit("first", {"file": "one\n"})

    def write(self, files):
        for name, text in files.items():
            path = os.path.join(self.tree, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)

    def commit(self, message, files, push="main"):
        self.write(files)
        git("add", "-A", "--force", cwd=self.tree)
        git("commit", "-q", "--allow-empty", "-m", message, cwd=self.tree)
        git("push", "-q", "--force", "origin", "HEAD:refs/heads/" + push, cwd=self.tree)
        return git("rev-parse", "HEAD", cwd=self.tree)


class Result:
    def __init__(self, job, text):
        self.job = job
        self.log = [line.split(" ", 2)[2] for line in text.splitlines()
                    if line.startswith(f"log {job} ")]
        done = [line.split(" ", 3) for line in text.splitlines() if line.startswith(f"done {job} ")]
        assert len(done) == 1, text
        self.rc, self.text = int(done[0][2]), done[0][3]
        shared = [line.split(" ", 2)[2] for line in text.splitlines()
                  if line.startswith(f"shared {job} ")]
        self.shared = shared[0] if shared else None
        self.everything = text

    def fine(self):
        assert self.rc == 0, self.everything
        return self

    def read(self, name):
        with open(os.path.join(self.text, name), encoding="utf-8") as f:
            return f.read()

    def git(self, *args):
        return git(*args, cwd=self.text)


class Place:
    """A home, and the surroundings of the user whose daemon it would be."""

    def __init__(self, folder):
        self.dir = folder
        self.user = os.path.join(folder, "user")
        self.jobs = os.path.join(folder, "home", "jobs")
        self.repos = os.path.join(folder, "home", "repos")
        os.makedirs(self.user)
        # LeakSanitizer and strace exclude each other.
        self.env = {"HOME": self.user, "PATH": os.environ["PATH"], "TMPDIR": folder,
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}

    def configure(self, text):
        with open(os.path.join(self.user, ".gitconfig"), "a", encoding="utf-8") as f:
            f.write(text)

    def start(self, wishes, prefix=(), **kw):
        env = dict(self.env)
        if prefix:
            env["ASAN_OPTIONS"] += ":detect_leaks=0"
        p = subprocess.Popen([*prefix, DRIVE, self.jobs], env=env, text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, **kw)
        p.stdin.write("".join("\t".join(map(str, w)) + "\n" for w in wishes))
        p.stdin.close()
        p.stdin = None
        return p

    def finish(self, p, wishes):
        out, err = p.communicate(timeout=120)
        assert p.returncode == 0, out + err
        return [Result(w[1], out + err) for w in wishes]

    def run(self, wishes, prefix=()):
        return self.finish(self.start(wishes, prefix), wishes)

    def prepare(self, kind, repo, ref="", literal=True, uid="-", timeout_ms=0, job=None, **kw):
        wish = self.wish(kind, repo, ref, literal, uid, timeout_ms, job)
        return self.run([wish], **kw)[0]

    @staticmethod
    def wish(kind, repo, ref="", literal=True, uid="-", timeout_ms=0, job=None):
        return (kind, job or str(uuid.uuid4()), repo, ref, "literal" if literal else "rendered",
                uid, timeout_ms)

    def left_overs(self):
        return [name for folder in (self.jobs, self.repos) if os.path.isdir(folder)
                for name in os.listdir(folder) if name.startswith(".new-")]


@pytest.fixture
def tmp_path():
    """Not below pytest's own folder, which is closed to other users."""
    folder = tempfile.mkdtemp(prefix="pylon-git-")
    os.chmod(folder, 0o755)
    yield pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def place(tmp_path):
    return Place(str(tmp_path))


@pytest.fixture
def source(tmp_path):
    return Source(str(tmp_path))


# --- https ---

class Backend(http.server.BaseHTTPRequestHandler):
    """git http-backend as a server: /private/ wants a password, /stall/ never ends its answer."""
    protocol_version = "HTTP/1.1"

    def log_message(self, format, *args):
        pass

    def refuse(self, code):
        self.send_response(code)
        if code == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while True:
            size = int(self.rfile.readline(), 16)
            parts.append(self.rfile.read(size))
            self.rfile.readline()
            if size == 0:
                return b"".join(parts)

    def answer(self):
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization")))
        body = self.body()
        path, _, query = self.path.partition("?")
        if path.startswith("/private/"):
            wanted = "Basic " + base64.b64encode(f"user:{SECRET}".encode()).decode()
            if self.headers.get("Authorization") != wanted:
                return self.refuse(401)
            path = path[len("/private"):]
        if path.startswith("/elsewhere/"):
            self.send_response(302)
            self.send_header("Location", self.server.elsewhere)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        stalls = path.startswith("/stall/")
        path = path[len("/stall"):] if stalls else path
        env = {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": self.server.root,
               "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
               "REQUEST_METHOD": self.command, "CONTENT_LENGTH": str(len(body)),
               "CONTENT_TYPE": self.headers.get("Content-Type", ""),
               "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
               "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
               "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
               "GIT_CONFIG_VALUE_0": "*"}
        out = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE,
                             check=False).stdout
        head, _, content = out.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if stalls and b"packfile" in content:
            self.wfile.write(content[:len(content) // 2])
            self.wfile.flush()
            self.server.stalled.set()
            self.server.go_on.wait(60)
            return None
        return self.wfile.write(content)

    do_GET = do_POST = answer


class Https:
    def __init__(self, folder, root):
        key, cert = os.path.join(folder, "tls.key"), os.path.join(folder, "tls.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", cert, "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost"], check=True, stderr=subprocess.DEVNULL)
        self.cert = cert
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        self.server.root, self.server.seen = root, []
        self.server.stalled, self.server.go_on = threading.Event(), threading.Event()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"https://localhost:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.go_on.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def https(tmp_path, place):
    server = Https(str(tmp_path), str(tmp_path))
    place.env["GIT_SSL_CAINFO"] = server.cert
    yield server
    server.close()


def test_https_clone_is_shallow_and_on_a_branch_that_tracks_origin(place, source, https):
    source.commit("second", {"file": "two\n"})
    r = place.prepare("clone", https.url + "/repo.git").fine()
    assert r.read("file") == "two\n"
    assert r.git("rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert r.git("rev-parse", "--abbrev-ref", "main@{upstream}") == "origin/main"
    assert r.git("rev-list", "--count", "HEAD") == "1"
    assert r.git("config", "remote.origin.url") == https.url + "/repo.git"
    assert r.git("status", "--porcelain") == ""
    assert r.shared is None
    assert any("fetching main" in line for line in r.log)
    assert place.left_overs() == []


@pytest.mark.parametrize("kind", ["clone", "worktree"])
def test_every_kind_of_ref_is_found(place, source, https, kind):
    first = source.commit("first", {"file": "1\n"})
    git("tag", "light", cwd=source.tree)
    git("tag", "-a", "-m", "x", "heavy", cwd=source.tree)
    second = source.commit("second", {"file": "2\n"}, push="topic/x")
    source.commit("third", {"file": "3\n"})
    pull = source.commit("pull", {"file": "4\n"}, push="gone")
    git("push", "-q", "origin", "--tags", cwd=source.tree)
    git("update-ref", "refs/pull/7/head", pull, cwd=source.bare)
    git("branch", "-D", "gone", cwd=source.bare)
    url = https.url + "/repo.git"
    cases = {"": "3", "main": "3", "refs/heads/main": "3", "topic/x": "2", "light": "1",
             "heavy": "1", "refs/tags/heavy": "1", "refs/pull/7/head": "4", first: "1", second: "2",
             first[:10]: "1", "HEAD": "3", pull: "4"}
    wishes = [place.wish(kind, url, ref) for ref in cases]
    git("config", "uploadpack.allowReachableSHA1InWant", "true", cwd=source.bare)
    for wish, r, (ref, content) in zip(wishes, place.run(wishes), cases.items()):
        assert r.rc == 0, (ref, r.text)
        assert r.read("file") == content + "\n", ref
        branch = r.git("rev-parse", "--abbrev-ref", "HEAD")
        assert branch == {"": "main", "main": "main", "refs/heads/main": "main", "HEAD": "main",
                          "topic/x": "topic/x"}.get(ref, "HEAD"), ref
    for ref in ("nothing", "refs/tags/main", "refs/pull/9/head", "1234567", "0" * 40):
        r = place.prepare(kind, url, ref)
        assert r.rc == -errno.ENOENT, (ref, r.text)
        assert ref in r.text or "no such ref" in r.text, r.text
        assert url in r.text, r.text


@pytest.mark.parametrize("kind", ["clone", "worktree"])
def test_a_commit_is_found_where_the_server_gives_out_branches_only(place, source, https, kind):
    first = source.commit("first", {"file": "1\n"})
    source.commit("second", {"file": "2\n"})
    git("config", "uploadpack.allowAnySHA1InWant", "false", cwd=source.bare)
    place.configure("[protocol]\n\tversion = 0\n")
    r = place.prepare(kind, https.url + "/repo.git", first).fine()
    assert r.read("file") == "1\n"


@pytest.mark.parametrize("kind", ["clone", "worktree"])
def test_without_main_the_default_branch_is_taken_and_said(place, source, https, kind):
    git("branch", "-m", "main", "trunk", cwd=source.bare)
    r = place.prepare(kind, https.url + "/repo.git").fine()
    assert r.git("rev-parse", "--abbrev-ref", "HEAD") == "trunk"
    assert any("has no branch main" in line and "trunk" in line for line in r.log), r.log
    r = place.prepare(kind, https.url + "/repo.git", "main")
    assert r.rc == -errno.ENOENT and '"main" was not found' in r.text


def test_an_empty_repository_is_told(place, tmp_path, https):
    git("init", "-q", "--bare", str(tmp_path / "empty.git"))
    for kind in ("clone", "worktree"):
        r = place.prepare(kind, https.url + "/empty.git")
        assert r.rc == -errno.ENOENT and "is empty" in r.text, r.text


def test_new_commits_are_seen_by_the_next_worktree(place, source, https):
    url = https.url + "/repo.git"
    first = place.prepare("worktree", url).fine()
    source.commit("second", {"file": "two\n"})
    git("push", "-q", "origin", "HEAD:refs/heads/fresh", cwd=source.tree)
    second = place.prepare("worktree", url).fine()
    third = place.prepare("worktree", url, "fresh").fine()
    assert [r.read("file") for r in (first, second, third)] == ["one\n", "two\n", "two\n"]
    # Rewritten and removed branches, too; who borrowed the old objects keeps them.
    git("reset", "-q", "--hard", "HEAD~1", cwd=source.tree)
    source.commit("other", {"file": "other\n"})
    git("branch", "-D", "fresh", cwd=source.bare)
    assert place.prepare("worktree", url).fine().read("file") == "other\n"
    assert place.prepare("worktree", url, "fresh").rc == -errno.ENOENT
    assert second.git("fsck", "--no-dangling") == ""


def test_a_pull_requests_ref_is_fetched_anew_each_time(place, source, https):
    url = https.url + "/repo.git"
    for text in ("one\n", "two\n"):
        git("update-ref", "refs/pull/1/head", source.commit("x", {"file": text}), cwd=source.bare)
        r = place.prepare("worktree", url, "refs/pull/1/head").fine()
        assert r.read("file") == text


def snapshot(folder):
    return {os.path.join(d, f): os.stat(os.path.join(d, f)).st_mtime_ns
            for d, _, files in os.walk(folder) for f in files}


def test_commits_in_a_worktree_leave_the_cache_alone(place, source, https):
    r = place.prepare("worktree", https.url + "/repo.git").fine()
    assert r.shared and os.path.dirname(r.shared) == os.path.realpath(place.repos)
    before = snapshot(r.shared)
    with open(os.path.join(r.text, "file"), "a", encoding="utf-8") as f:
        f.write("mine\n")
    r.git("commit", "-q", "-a", "-m", "mine")
    assert r.git("rev-list", "--count", "HEAD") == "2"
    assert snapshot(r.shared) == before
    with open(os.path.join(r.text, ".git/objects/info/alternates"), encoding="utf-8") as f:
        assert f.read() == r.shared + "/objects\n"
    # And the cache tells a container nothing.
    with open(os.path.join(r.shared, "config"), encoding="utf-8") as f:
        assert "url" not in f.read()


def test_preparing_again_keeps_what_is_there(place, source, https):
    for kind in ("clone", "worktree"):
        job = str(uuid.uuid4())
        r = place.prepare(kind, https.url + "/repo.git", job=job).fine()
        with open(os.path.join(r.text, "file"), "w", encoding="utf-8") as f:
            f.write("changed\n")
        source.commit("later", {"file": "later\n"})
        requests = len(https.server.seen)
        again = place.prepare(kind, https.url + "/repo.git", job=job).fine()
        assert again.text == r.text and again.read("file") == "changed\n"
        assert len(https.server.seen) == requests


def test_a_kept_worktree_gets_its_cache_back(place, source, https):
    job = str(uuid.uuid4())
    r = place.prepare("worktree", https.url + "/repo.git", job=job).fine()
    shutil.rmtree(r.shared)
    again = place.prepare("worktree", https.url + "/repo.git", job=job).fine()
    assert again.git("fsck", "--no-dangling") == ""


# --- credentials ---

def test_a_password_in_the_address_works_and_is_shown_nowhere(place, source, https):
    for kind in ("clone", "worktree"):
        url = f"https://user:{SECRET}@localhost:{https.port}/private/repo.git"
        wish = place.wish(kind, url)
        trace = os.path.join(place.dir, "trace")
        r = place.run([wish], prefix=("strace", "-f", "-qq", "-s", "4096", "-e", "trace=execve",
                                      "-o", trace))[0].fine()
        assert SECRET not in r.everything
        for folder in (r.text, r.shared or r.text):
            assert subprocess.run(["grep", "-rqF", SECRET, folder], check=False).returncode == 1
        with open(trace, encoding="utf-8") as f:
            assert SECRET not in f.read()
        assert r.git("config", "remote.origin.url") == \
            f"https://localhost:{https.port}/private/repo.git"


def test_a_wrong_password_is_told_without_it(place, source, https):
    url = f"https://user:{SECRET}-wrong@localhost:{https.port}/private/repo.git"
    for kind in ("clone", "worktree"):
        r = place.prepare(kind, url)
        assert r.rc == -errno.EACCES, r.text
        assert "access was refused" in r.text and "credential helper" in r.text
        assert SECRET not in r.everything


def test_the_users_credential_helper_is_asked(place, source, https):
    place.configure("[credential]\n\thelper = \"!f() { test $1 = get && echo username=user && "
                    f"echo password={SECRET}; }}; f\"\n")
    r = place.prepare("clone", https.url + "/private/repo.git").fine()
    assert SECRET not in r.everything


def test_without_credentials_nobody_is_asked(place, source, https):
    for kind in ("clone", "worktree"):
        r = place.prepare(kind, https.url + "/private/repo.git")
        assert r.rc == -errno.EACCES, r.text


def test_credentials_do_not_follow_a_redirect_to_another_host(place, source, https, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    second = Https(str(other), str(tmp_path))
    with open(https.cert, "a", encoding="utf-8") as f, open(second.cert, encoding="utf-8") as g:
        f.write(g.read())
    https.server.elsewhere = f"{second.url}/repo.git/info/refs?service=git-upload-pack"
    url = f"https://user:{SECRET}@localhost:{https.port}/elsewhere/repo.git"
    place.prepare("clone", url)
    second.close()
    assert all(auth is None for _, _, auth in second.server.seen), second.server.seen


def test_a_missing_repository_is_told(place, source, https):
    for kind in ("clone", "worktree"):
        r = place.prepare(kind, https.url + "/nothing.git")
        assert r.rc == -errno.ENOENT and "no such repository" in r.text, r.text
        assert https.url + "/nothing.git" in r.text


def test_a_server_that_cannot_prove_its_name_is_refused(place, source, https):
    del place.env["GIT_SSL_CAINFO"]
    r = place.prepare("clone", https.url + "/repo.git")
    assert r.rc == -errno.EKEYREJECTED, r.text


def test_a_host_that_is_not_there_is_told(place):
    r = place.prepare("clone", f"https://localhost:{free_port()}/repo.git")
    assert r.rc == -errno.EHOSTUNREACH, r.text


# --- ssh ---

class Sshd:
    def __init__(self, folder):
        self.dir = os.path.join(folder, "ssh")
        os.makedirs(self.dir)
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", 0o755, exist_ok=True)
        self.key, self.host_key = self.path("key"), self.path("host")
        for path in (self.key, self.host_key):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        shutil.copy(self.key + ".pub", self.path("authorized"))
        self.port = free_port()
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        with open(self.path("sshd_config"), "w", encoding="utf-8") as f:
            f.write(f"""Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.host_key}
AuthorizedKeysFile {self.path("authorized")}
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
AcceptEnv GIT_PROTOCOL
SetEnv GIT_CONFIG_NOSYSTEM=1
""")
        self.log = open(self.path("log"), "wb")
        self.process = None
        self.start()

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f",
                                         self.path("sshd_config")], stderr=self.log)
        wait_for(self.is_up, 20, "sshd")

    def is_up(self):
        assert self.process.poll() is None, "sshd ended"
        return subprocess.run(["ssh-keyscan", "-p", str(self.port), "127.0.0.1"], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout != b""

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def close(self):
        self.stop()
        self.log.close()

    def url(self, path):
        return f"ssh://{self.user}@127.0.0.1:{self.port}{path}"

    def command(self, *options):
        """ssh with files of this test's own: it would look for them in the real home."""
        return " ".join(["ssh", "-F", "/dev/null", "-o", "UserKnownHostsFile=" + self.path("known"),
                         "-o", "StrictHostKeyChecking=accept-new", *options])


@pytest.fixture
def sshd(tmp_path):
    if not os.path.exists("/usr/sbin/sshd"):
        pytest.fail("sshd is missing: tools/install-deps")
    server = Sshd(str(tmp_path))
    yield server
    server.close()


@pytest.fixture
def agent(sshd, place):
    sock = sshd.path("agent")
    process = subprocess.Popen(["ssh-agent", "-D", "-a", sock], stdout=subprocess.DEVNULL)
    wait_for(lambda: os.path.exists(sock), 10, "ssh-agent")
    subprocess.run(["ssh-add", "-q", sshd.key], env=dict(os.environ, SSH_AUTH_SOCK=sock),
                   check=True, stderr=subprocess.DEVNULL)
    place.env["SSH_AUTH_SOCK"] = sock
    yield sock
    process.terminate()
    process.wait()


@pytest.mark.parametrize("kind", ["clone", "worktree"])
def test_ssh_uses_the_users_agent_and_ssh_command(place, source, sshd, agent, kind):
    place.configure(f"[core]\n\tsshCommand = {sshd.command()}\n")
    source.commit("second", {"file": "two\n"})
    r = place.prepare(kind, sshd.url(source.bare)).fine()
    assert r.read("file") == "two\n"
    scp = place.prepare(kind, f"{sshd.user}@host.invalid:{source.bare}")
    assert scp.rc == -errno.EHOSTUNREACH, scp.text
    place.env["GIT_SSH_COMMAND"] = sshd.command("-p", str(sshd.port))
    place.prepare(kind, f"{sshd.user}@127.0.0.1:{source.bare}").fine()


def test_ssh_without_a_key_is_refused_with_advice(place, source, sshd):
    place.env["GIT_SSH_COMMAND"] = sshd.command()
    r = place.prepare("clone", sshd.url(source.bare))
    assert r.rc == -errno.EACCES, r.text
    assert "ssh key" in r.text and source.bare in r.text


def test_ssh_to_a_missing_repository_is_told(place, source, sshd, agent):
    place.env["GIT_SSH_COMMAND"] = sshd.command()
    r = place.prepare("worktree", sshd.url("/nonexistent/repo.git"))
    assert r.rc == -errno.ENOENT and "no such repository" in r.text, r.text


def test_ssh_to_a_host_with_another_key_than_before_is_refused(place, source, sshd, agent):
    place.env["GIT_SSH_COMMAND"] = sshd.command()
    place.prepare("clone", sshd.url(source.bare)).fine()
    sshd.stop()
    os.remove(sshd.host_key)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", sshd.host_key], check=True)
    sshd.start()
    r = place.prepare("clone", sshd.url(source.bare))
    assert r.rc == -errno.EKEYREJECTED, r.text


def test_github_addresses_go_by_https_and_then_by_ssh(place, source, https, sshd, agent):
    """The old program went by ssh only; public repositories need no key."""
    folder = os.path.dirname(source.bare)
    place.env["GIT_SSH_COMMAND"] = sshd.command()
    place.configure(f"""[url "{https.url}/"]
	insteadOf = https://github.com/public/
[url "{https.url}/private/"]
	insteadOf = https://github.com/private/
[url "{sshd.url(folder)}/"]
	insteadOf = git@github.com:private/
""")
    for kind in ("clone", "worktree"):
        r = place.prepare(kind, "https://github.com/public/repo.git").fine()
        assert not any("ssh" in line for line in r.log)
        r = place.prepare(kind, "https://github.com/private/repo").fine()
        assert any("refused; trying git@github.com:private/repo.git" in line for line in r.log)
        assert r.git("config", "remote.origin.url") == "https://github.com/private/repo"
        r = place.prepare(kind, "https://github.com/private/nothing")
        assert r.rc == -errno.ENOENT, r.text
        assert "https://github.com/private/nothing: access was refused" in r.text
        assert "git@github.com:private/nothing.git" in r.text


# --- what may not happen ---

HOSTILE = ["https://localhost/x", "https://127.1:8443/x", "https://[::1]/x", "git@localhost:x",
           "ssh://git@0x7f000001/x", "https://169.254.169.254/latest/meta-data",
           "--upload-pack=touch MARK", "-oProxyCommand=touch MARK", "ext::sh -c 'touch MARK'",
           "ext::touch% MARK", "fd::7", "file:///etc", "/etc", "/", "ssh://-oProxyCommand=x/y",
           "ssh://-x@h/p", "-x@host:path", "host:-path", "http://localhost/repo.git",
           "git://localhost/repo.git", "ftp://localhost/x", "../..", "relative/path", "~/repo",
           "https://h/x\\ny", "https://-h/x", "https://h", "https:///x", "https://h:99999/x",
           "https://h/a?b", "https://h/ a", "transport::address", "https://h/{{ .body.x }}",
           "hg::https://h/x", "user@host:ext::x\x7f", "::", ":", "host:", "https://u:%0a@h/x"]


def test_addresses_that_could_do_something_else_are_refused_before_anything_runs(place):
    mark = os.path.join(place.dir, "mark")
    wishes = [place.wish(kind, text.replace("MARK", mark), literal=False)
              for text in HOSTILE for kind in ("clone", "worktree")]
    trace = os.path.join(place.dir, "trace")
    for some in (wishes[:60], wishes[60:]):
        for r in place.run(some, prefix=("strace", "-f", "-qq", "-e", "trace=execve",
                                         "-o", trace)):
            assert r.rc == -errno.EINVAL, r.everything
        with open(trace, encoding="utf-8") as f:
            assert f.read().count("execve(") == 1
    assert not os.path.exists(mark)


def test_refs_that_could_do_something_else_are_refused(place, source, https):
    bad = ["-b", "--upload-pack=x", "--help", "a..b", "@{-1}", "main~1", "main^", "a:b", "+main",
           "a b", "a\x7fb", ".hidden", "a/.b", "x.lock", "a//b", "/a", "a/", "a.", "@", "a\\b",
           "refs/heads/-x", "refs/heads/HEAD", "main*", "x" * 257, "{{ .body.ref }}", "[a]"]
    bad.remove("+main")  # a plus sign is fine in a name, and is not taken for "force"
    for r in place.run([place.wish("clone", https.url + "/repo.git", ref) for ref in bad]):
        assert r.rc == -errno.EINVAL, r.everything
    r = place.prepare("clone", https.url + "/repo.git", "+main")
    assert r.rc == -errno.ENOENT


def test_local_folders_and_plain_http_need_to_be_written_out(place, source):
    for kind in ("clone", "worktree"):
        assert place.prepare(kind, source.bare, literal=False).rc == -errno.EINVAL
        assert place.prepare(kind, source.bare).fine().read("file") == "one\n"
        assert place.prepare(kind, "file://" + source.bare).rc == -errno.EINVAL
        r = place.prepare(kind, "/etc")
        assert r.rc == -errno.ENOENT, r.text


def hostile_repository(source, mark):
    source.write({
        ".gitattributes": "* filter=evil diff=evil merge=evil\n*.bin filter=lfs -text\n",
        ".gitmodules": f'[submodule "x"]\n\tpath = sub\n\turl = ext::touch% {mark}\n'
                       '\tupdate = checkout\n',
        ".gitconfig": f"[core]\n\tfsmonitor = touch {mark}\n",
        "hooks/post-checkout": f"#!/bin/sh\ntouch {mark}\n",
        ".lfsconfig": f"[lfs]\n\turl = ext::touch {mark}\n",
        "data.bin": "version https://git-lfs.github.com/spec/v1\n",
    })
    os.chmod(os.path.join(source.tree, "hooks/post-checkout"), 0o755)
    outside = os.path.join(os.path.dirname(source.tree), "outside")
    os.makedirs(outside, 0o750)
    with open(os.path.join(outside, "file"), "w", encoding="utf-8"):
        pass
    os.symlink(outside, os.path.join(source.tree, "absolute"))
    os.symlink("../../../outside/file", os.path.join(source.tree, "relative"))
    os.makedirs(os.path.join(source.tree, "sub"))
    git("update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",sub", cwd=source.tree)
    source.commit("evil", {})
    git("update-ref", "refs/heads/-evil", "HEAD", cwd=source.tree)
    git("push", "-q", "origin", "refs/heads/-evil:refs/heads/-evil", cwd=source.tree)


def test_a_malicious_repository_executes_nothing_on_the_host(place, source, https):
    """RUN: git and its own helpers, nothing else, whatever the user's configuration offers."""
    mark = os.path.join(place.dir, "mark")
    hostile_repository(source, mark)
    place.configure(f"""[filter "evil"]
	smudge = touch {mark}
	clean = touch {mark}
	required = true
[filter "lfs"]
	process = touch {mark}
	required = true
[core]
	hooksPath = {source.tree}/hooks
	fsmonitor = {source.tree}/hooks/post-checkout
[submodule]
	recurse = true
[protocol]
	allow = always
[init]
	templateDir = {source.tree}
[fetch]
	recurseSubmodules = true
""")
    outside = [os.path.join(place.dir, name) for name in ("outside", "outside/file")]
    before = [os.stat(path) for path in outside]
    for kind in ("clone", "worktree"):
        trace = os.path.join(place.dir, "trace")
        r = place.run([place.wish(kind, https.url + "/repo.git", uid=12345)], prefix=(
            "strace", "-f", "-qq", "-s", "300", "-e", "trace=execve", "-o", trace))[0].fine()
        assert not os.path.exists(mark)
        with open(trace, encoding="utf-8") as f:
            calls = [line for line in f if 'execve("' in line and "= 0" in line]
        if kind == "worktree":  # git's way of reading from the cache
            calls = [c for c in calls if f"git-upload-pack '{r.shared}'" not in c
                     and '["git-upload-pack"' not in c]
        helpers = {os.path.basename(c.split('"')[1]) for c in calls} - {os.path.basename(DRIVE)}
        assert helpers <= {"git", "git-remote-https", "git-remote-http"}, calls
        assert os.path.islink(os.path.join(r.text, "absolute"))
        assert os.path.realpath(os.path.join(r.text, "relative")) == outside[1]
        assert not os.listdir(os.path.join(r.text, "sub"))
        assert not os.path.exists(os.path.join(r.text, ".git/hooks"))
        assert not os.path.exists(os.path.join(r.text, ".git/modules"))
    for path, old in zip(outside, before):
        now = os.stat(path)
        assert (now.st_uid, now.st_mode, now.st_ctime_ns) == (
            old.st_uid, old.st_mode, old.st_ctime_ns)


@pytest.mark.parametrize("kind", ["clone", "worktree"])
def test_objects_that_attack_old_gits_are_not_let_in(place, source, https, kind):
    """A tree with an entry .git, as git mktree would refuse to make it."""
    blob = git("hash-object", "-w", "--stdin", cwd=source.bare, input="x")
    tree = b"40000 .git\0" + bytes.fromhex(subprocess.run(
        ["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"], cwd=source.bare,
        input=b"100644 config\0" + bytes.fromhex(blob), stdout=subprocess.PIPE,
        check=True).stdout.decode().strip())
    evil = subprocess.run(["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
                          cwd=source.bare, input=tree, stdout=subprocess.PIPE,
                          check=True).stdout.decode().strip()
    commit = git("commit-tree", "-m", "evil", evil, cwd=source.bare)
    git("update-ref", "refs/heads/evil", commit, cwd=source.bare)
    r = place.prepare(kind, https.url + "/repo.git", "evil")
    assert r.rc == -errno.EBADMSG, r.text
    assert place.left_overs() == []


@pytest.mark.parametrize("kind", ["clone", "worktree"])
def test_sins_of_old_tools_are_forgiven(place, source, https, kind):
    """A padded file mode, as in many honest old repositories."""
    blob = git("hash-object", "-w", "--stdin", cwd=source.bare, input="x")
    tree = subprocess.run(["git", "hash-object", "-w", "-t", "tree", "--literally", "--stdin"],
                          cwd=source.bare, input=b"0100644 file\0" + bytes.fromhex(blob),
                          stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    commit = git("commit-tree", "-m", "old", tree, cwd=source.bare)
    git("update-ref", "refs/heads/old", commit, cwd=source.bare)
    assert place.prepare(kind, https.url + "/repo.git", "old").fine().read("file") == "x"


# --- ownership ---

@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_all_of_a_checkout_belongs_to_the_containers_user(place, source, https):
    source.commit("deep", {"a/b/c/d": "x\n", "a/e": "y\n"})
    outside = os.path.join(place.dir, "outside")
    with open(outside, "w", encoding="utf-8"):
        pass
    os.symlink(outside, os.path.join(source.tree, "link"))
    source.commit("link", {})
    r = place.prepare("worktree", https.url + "/repo.git", uid=12345).fine()
    owners = {os.lstat(os.path.join(d, n)).st_uid for d, dirs, files in os.walk(r.text)
              for n in dirs + files}
    assert owners == {12345} and os.stat(r.text).st_uid == 12345
    assert os.stat(outside).st_uid == 0
    # That user can work in it, and read what it borrows.
    probe = subprocess.run(
        ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "env", "HOME=/nonexistent",
         "git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--allow-empty", "-qm", "x"],
        cwd=r.text, check=False, capture_output=True, text=True)
    # jobs/ and repos/ are closed to others on the host; a container sees below them.
    assert "ermission denied" in probe.stderr or probe.returncode == 0
    for folder in (os.path.dirname(place.jobs), place.jobs, place.repos):
        os.chmod(folder, 0o755)
    subprocess.run(
        ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "env", "HOME=/nonexistent",
         "git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "--allow-empty", "-qm", "x"],
        cwd=r.text, check=True, capture_output=True, text=True)


def test_where_the_user_is_unknown_everybody_may_write(place, source, https):
    source.write({"tool": "#!/bin/sh\n"})
    os.chmod(os.path.join(source.tree, "tool"), 0o755)
    source.commit("tool", {"a/b": "x\n"})
    r = place.prepare("clone", https.url + "/repo.git").fine()
    modes = {name: stat.S_IMODE(os.stat(os.path.join(r.text, name)).st_mode)
             for name in (".", "a", "a/b", "tool", ".git", ".git/config")}
    assert modes == {".": 0o777, "a": 0o777, "a/b": 0o666, "tool": 0o777, ".git": 0o777,
                     ".git/config": 0o666}
    assert r.git("status", "--porcelain") == ""


# --- many at once, and bad ends ---

def test_many_jobs_share_a_cache(place, source, https):
    url = https.url + "/repo.git"
    wishes = [place.wish("worktree", url) for _ in range(12)]
    processes = [(place.start(some), some) for some in (wishes[:6], wishes[6:])]
    for p, some in processes:
        for r in place.finish(p, some):
            assert r.fine().read("file") == "one\n"
            assert r.git("fsck", "--no-dangling") == ""
    fetches = sum(1 for method, path, _ in https.server.seen if method == "GET")
    assert fetches <= 4, "those who wait share a fetch"
    assert place.left_overs() == []


def stalled(place, https, kind):
    """A driver in the middle of a fetch."""
    p = place.start([place.wish(kind, https.url + "/stall/repo.git")])
    assert https.server.stalled.wait(30)
    return p


def processes_below(folder):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if folder.encode() in f.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


@pytest.mark.parametrize("kind", ["clone", "worktree"])
def test_killed_in_the_middle_of_the_first_fetch(place, source, https, kind):
    source.commit("large", {"large": os.urandom(1 << 20).hex()})
    p = stalled(place, https, kind)
    p.send_signal(signal.SIGKILL)
    p.communicate()
    wait_for(lambda: not processes_below(place.dir + "/home"), 20, "git to die with its parent")
    assert place.left_overs() != []
    https.server.go_on.set()
    r = place.prepare(kind, https.url + "/repo.git").fine()
    assert r.git("fsck", "--no-dangling") == ""
    wait_for(lambda: place.left_overs() == [], 1, "half made folders to go")


def test_killed_in_the_middle_of_a_later_fetch(place, source, https):
    place.configure(f'[url "{https.url}/stall/"]\n\tinsteadOf = https://stall.example/\n'
                    f'[url "{https.url}/"]\n\tinsteadOf = https://fine.example/\n')
    first = place.prepare("worktree", https.url + "/stall/repo.git", timeout_ms=500)
    assert first.rc == -errno.ETIMEDOUT
    https.server.stalled.clear()
    https.server.go_on.set()
    place.prepare("worktree", https.url + "/repo.git").fine()
    cache = place.prepare("worktree", https.url + "/repo.git").fine().shared
    # What a killed git leaves.
    os.makedirs(cache + "/refs/heads", exist_ok=True)
    for name in ("packed-refs.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_x"):
        with open(os.path.join(cache, name), "w", encoding="utf-8"):
            pass
    source.commit("second", {"file": "two\n"})
    git("branch", "-D", "main", cwd=source.bare)
    git("branch", "other", git("rev-parse", "HEAD", cwd=source.tree), cwd=source.bare)
    source.commit("third", {"file": "three\n"})
    r = place.prepare("worktree", https.url + "/repo.git").fine()
    assert r.read("file") == "three\n"
    assert not os.path.exists(cache + "/refs/heads/main.lock")
    assert not os.path.exists(cache + "/objects/pack/tmp_pack_x")


def test_a_server_that_stalls_is_given_up(place, source, https):
    source.commit("large", {"large": os.urandom(1 << 20).hex()})
    for kind in ("clone", "worktree"):
        started = time.monotonic()
        r = place.prepare(kind, https.url + "/stall/repo.git", timeout_ms=1500)
        assert r.rc == -errno.ETIMEDOUT and "took too long" in r.text, r.text
        assert time.monotonic() - started < 30
    assert place.left_overs() == []
    assert not processes_below(place.dir + "/home")


def damage_pack(cache):
    folder = os.path.join(cache, "objects/pack")
    for name in os.listdir(folder):
        if name.endswith(".pack"):
            os.chmod(os.path.join(folder, name), 0o600)
            with open(os.path.join(folder, name), "r+b") as f:
                f.seek(12)
                f.write(b"\xff" * 64)


def remove_objects(cache):
    shutil.rmtree(os.path.join(cache, "objects"))


def empty_head(cache):
    with open(os.path.join(cache, "HEAD"), "w", encoding="utf-8"):
        pass


def break_config(cache):
    with open(os.path.join(cache, "config"), "w", encoding="utf-8") as f:
        f.write("[[[\n")


def truncate_packed_refs(cache):
    with open(os.path.join(cache, "packed-refs"), "w", encoding="utf-8") as f:
        f.write("1234 refs/heads/main\n")


def zero_ref(cache):
    with open(os.path.join(cache, "refs/heads/main"), "wb") as f:
        f.write(b"\0" * 41)


@pytest.mark.parametrize("damage", [damage_pack, remove_objects, empty_head, break_config,
                                    truncate_packed_refs, zero_ref])
def test_a_damaged_cache_is_made_anew(place, source, https, damage):
    url = https.url + "/repo.git"
    cache = place.prepare("worktree", url).fine().shared
    damage(cache)
    r = place.prepare("worktree", url).fine()
    assert r.git("fsck", "--no-dangling") == "" and r.read("file") == "one\n"
    assert r.shared == cache


def test_a_cache_of_the_old_program_is_used_as_it_is(place, source, https):
    """It has no refspec of its own, and a worktree in it."""
    url = https.url + "/repo.git"
    cache = place.prepare("worktree", url).fine().shared
    shutil.rmtree(cache)
    git("clone", "-q", "--bare", source.bare, cache)
    git("worktree", "add", "-q", "--detach", os.path.join(place.dir, "old"), "main", cwd=cache)
    source.commit("second", {"file": "two\n"})
    assert place.prepare("worktree", url).fine().read("file") == "two\n"
    assert git("status", "--porcelain", cwd=os.path.join(place.dir, "old")) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
@pytest.mark.parametrize("kind", ["clone", "worktree"])
def test_a_full_disk_is_told(place, source, https, kind):
    source.commit("large", {"large": os.urandom(3 << 20).hex()})
    home = os.path.join(place.dir, "home")
    os.makedirs(home)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", home], check=True)
    try:
        r = place.prepare(kind, https.url + "/repo.git")
        assert r.rc == -errno.ENOSPC and "disk is full" in r.text, r.text
    finally:
        subprocess.run(["umount", home], check=True)
