# SPDX-License-Identifier: MIT
"""A small image with a shell, made from Debian's static busybox: no registry is needed."""
import io
import os
import shutil
import subprocess
import tarfile

import pytest

from harness import Engine

IMAGE = "pylon-e2e/busybox:latest"


def folder(tar, name, mode):
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    tar.addfile(entry)


def layer():
    """bin/busybox with its names, /tmp as in careless images (0755), a passwd with a name in it."""
    path = shutil.which("busybox")
    if path is None:
        pytest.skip("busybox-static is not installed")
    names = subprocess.run([path, "--list"], capture_output=True, text=True, check=True).stdout.split()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("bin", "etc", "proc", "sys", "dev", "usr"):
            folder(tar, name, 0o755)
        folder(tar, "tmp", 0o755)
        folder(tar, "root", 0o700)
        tar.add(os.path.realpath(path), "bin/busybox", filter=owned_by_root)
        for name in names:
            if name != "busybox":
                link = tarfile.TarInfo("bin/" + name)
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        passwd = b"root:x:0:0::/root:/bin/sh\nagent:x:1234:1234::/tmp:/bin/sh\n"
        entry = tarfile.TarInfo("etc/passwd")
        entry.size, entry.mode = len(passwd), 0o644
        tar.addfile(entry, io.BytesIO(passwd))
    return out.getvalue()


def owned_by_root(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o755
    return entry


def make_image(path, image=IMAGE, user=None, entrypoint=None):
    """Into the engine at that socket, unless it is there."""
    engine = Engine()
    engine.path = path
    if engine.call("GET", f"/v1.41/images/{image}/json")[0] == 200:
        return image
    repo, tag = image.rsplit(":", 1)
    url = f"http://engine/v1.41/images/create?fromSrc=-&repo={repo}&tag={tag}"
    if user is not None:
        url += f"&changes=USER%20{user}"
    if entrypoint is not None:
        url += f"&changes=ENTRYPOINT%20{entrypoint}"
    done = subprocess.run(["curl", "-sS", "--fail-with-body", "--unix-socket", path, "-X", "POST",
                           "-H", "Content-Type: application/x-tar", "--data-binary", "@-", url],
                          input=layer(), capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return image


@pytest.fixture(scope="session")
def busybox():
    return make_image(Engine().path)


__all__ = ["IMAGE", "busybox", "make_image"]
