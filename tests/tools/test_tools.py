# SPDX-License-Identifier: MIT
"""Each check passes on a small good tree and fails on a seeded violation: a check that cannot fail is none."""
import os
import pathlib
import shutil
import stat
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SPDX = "/* SPDX-License-Identifier: MIT */\n"
TABLE = """# SPDX-License-Identifier: MIT
pylon_room(base LIBS jansson libcrypto)
pylon_room(loop USES base LIBS libsystemd)
pylon_room(store USES base
	model LIBS sqlite3)
pylon_room(model USES base)
pylon_static_program(pylon-shim shim)
"""
GOOD = SPDX + """#include "base/base.h"

#include <jansson.h>

int base_one(void)
{
	return 1;
}
"""


@pytest.fixture
def tree(tmp_path):
    put(tmp_path, "src/CMakeLists.txt", TABLE)
    put(tmp_path, "src/base/base.c", GOOD)
    put(tmp_path, "src/base/base.h", SPDX)
    put(tmp_path, "src/store/store.c", SPDX + '#include <sqlite3.h>\n\n#include "model/model.h"\n')
    put(tmp_path, "tests/base/test_a.c", SPDX)
    put(tmp_path, "tools/thing", "#!/bin/sh\n# SPDX-License-Identifier: MIT\necho ok\n")
    shutil.copy(TOP / ".clang-format", tmp_path)
    return tmp_path


def put(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def check(tool, root):
    done = subprocess.run([TOP / "tools" / tool, "--root", root], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("tool", ["check-layers", "check-size", "check-banned", "check-spdx",
                                  "check-format", "check-shell"])
def test_a_good_tree_passes(tree, tool):
    code, out = check(tool, tree)
    assert code == 0, out


@pytest.mark.parametrize("path,line,complaint", [
    ("src/model/a.c", '#include "store/store.h"', "model may not include store"),
    ("src/store/a.c", '#include "loop/loop.h"', "store may not include loop"),
    ("src/store/a.c", '#include "model/x_internal.h"', "private to model"),
    ("src/store/a.c", '#include "model/x-internal.h"', "private to model"),
    ("src/store/a.c", '#include "store.h"', 'must be written "room/file.h"'),
    ("src/store/a.c", '#include "../base/base.h"', 'must be written "room/file.h"'),
    ("src/model/a.h", "#include <sqlite3.h>", "sqlite3 belongs to another room"),
    ("src/model/a.c", "#  include <openssl/evp.h>", "libcrypto belongs to another room"),
    ("src/store/a.c", "#include <jansson.h>", "jansson belongs to another room"),
    ("src/model/a.c", "#include <systemd/sd-event.h>", "libsystemd belongs to another room"),
    ("src/model/a.c", "#include <curl/curl.h>", "libcurl belongs to another room"),
    ("src/model/a.c", "#include <yaml.h>", "yaml-0.1 belongs to another room"),
    ("src/shim/a.c", '#include "base/base.h"', "shim may not include base"),
    ("src/main.c", '#include "store/a_internal.h"', "private to store"),
    ("src/attic/a.c", "", "attic is not a room"),
])
def test_layers_refuses(tree, path, line, complaint):
    put(tree, path, SPDX + line + "\n")
    code, out = check("check-layers", tree)
    assert code == 1 and f"{path}" in out and complaint in out


@pytest.mark.parametrize("line", ['#include "store/store_internal.h"', '#include "base/base.h"',
                                  "#include <sqlite3.h>", "#include <stdio.h>"])
def test_layers_allows(tree, line):
    put(tree, "src/store/a.c", SPDX + line + "\n")
    assert check("check-layers", tree)[0] == 0


def test_layers_allows_base_to_a_program_that_is_built_with_it(tree):
    put(tree, "src/CMakeLists.txt", TABLE.replace("shim shim)", "shim shim BASE spool.c)"))
    put(tree, "src/shim/a.c", SPDX + '#include "base/base.h"\n')
    assert check("check-layers", tree)[0] == 0
    put(tree, "src/shim/a.c", SPDX + '#include "base/base_internal.h"\n')
    assert "private to base" in check("check-layers", tree)[1]


@pytest.mark.parametrize("more,complaint", [
    ("pylon_room(a USES b)\npylon_room(b USES a)\n", "rooms in a circle: a -> b -> a"),
    ("pylon_room(a USES nowhere)\n", "uses nowhere"),
    ("pylon_room(a LIBS sqlite3)\n", "belongs to store and to a"),
    ("pylon_room(a LIBS libnew)\n", "not known to check-layers"),
])
def test_layers_refuses_a_bad_table(tree, more, complaint):
    put(tree, "src/CMakeLists.txt", TABLE + more)
    code, out = check("check-layers", tree)
    assert code == 1 and complaint in out


def function(lines, parameters="void", line="\tone();"):
    return f"int f({parameters})\n{{\n" + f"{line}\n" * (lines - 3) + "}\n"


@pytest.mark.parametrize("name,text,complaint", [
    ("a.c", SPDX + "\n" * 800, "801 lines, 800 allowed"),
    ("a.h", SPDX + "\n" * 300, "301 lines, 300 allowed"),
    ("a.c", function(81, line="\tone();"), "f has 81 lines, 80 allowed"),
    ("a.c", function(121, line="\tcase A:"), "f has 121 lines, 120 allowed"),
    ("a.c", function(5, "int a, int b, int c, int d, int e, int g, int h, int i"), "f has 8 parameters"),
    ("a.c", function(5, "int a, int b, int c, int d,\n\tint e, int g, int h, void (*i)(int, int)"),
     "f has 8 parameters"),
], ids=["file", "header", "function", "switch", "parameters", "callback"])
def test_size_refuses(tree, name, text, complaint):
    put(tree, "src/base/" + name, text)
    code, out = check("check-size", tree)
    assert code == 1 and complaint in out


@pytest.mark.parametrize("name,text", [
    ("a.c", SPDX + "\n" * 799), ("a.h", SPDX + "\n" * 299),
    ("a.c", function(80)), ("a.c", function(120, line="\tcase A:")),
    ("a.c", function(5, "int a, int b, int c, int d, int e, int g, void (*h)(int, int)")),
], ids=["file", "header", "function", "switch", "parameters"])
def test_size_allows_its_limits(tree, name, text):
    put(tree, "src/base/" + name, text)
    code, out = check("check-size", tree)
    assert code == 0, out


@pytest.mark.parametrize("path,line", [
    (path, f"x = {name}(y);") for path, names in {
        "src/base/a.c": ["strcpy", "strcat", "sprintf", "vsprintf", "atoi", "atol", "strtok", "gets",
                         "system", "popen", "fork"],
        "src/model/a.c": ["malloc", "calloc", "realloc", "strdup", "strndup", "fork ", "system"],
        "src/shim/a.c": ["strcpy", "sprintf"],
        "tests/base/a.c": ["strcpy", "atoi"],
    }.items() for name in names])
def test_banned_refuses(tree, path, line):
    put(tree, path, SPDX + line + "\n")
    code, out = check("check-banned", tree)
    assert code == 1 and f"{path}:2" in out


@pytest.mark.parametrize("path,line", [
    ("src/base/a.c", "p = malloc(n); q = strdup(s);"),
    ("src/shim/a.c", "pid = fork(); p = malloc(1);"),
    ("tests/base/a.c", "p = malloc(n); pid = fork();"),
    ("src/model/a.c", '/* strcpy(a) */ x = "strcpy(a)"; // atoi(x)'),
    ("src/model/a.c", "vtable->system(x); xmalloc(n); my_fork(1); x.fork(2);"),
])
def test_banned_allows(tree, path, line):
    put(tree, path, SPDX + line + "\n")
    code, out = check("check-banned", tree)
    assert code == 0, out


@pytest.mark.parametrize("path,text", [
    ("src/base/a.c", "int x;\n"), ("tests/e2e/test_a.py", "import os\n"), ("tools/x", "#!/bin/sh\nexit\n"),
    ("src/base/b.c", "\n\n\n\n/* SPDX-License-Identifier: MIT */\n")])
def test_spdx_refuses(tree, path, text):
    put(tree, path, text)
    code, out = check("check-spdx", tree)
    assert code == 1 and path in out


def test_format_refuses_and_fixes(tree):
    put(tree, "src/base/a.c", SPDX + "int f(void) { return 1; }\n")
    code, out = check("check-format", tree)
    assert code == 1 and "src/base/a.c: not formatted" in out
    subprocess.run([TOP / "tools/check-format", "--root", tree, "fix"], check=True, capture_output=True)
    assert check("check-format", tree)[0] == 0


def test_shell_refuses(tree):
    put(tree, "tools/x", "#!/bin/sh\ncd $1\nrm -rf $2/*\n")
    code, out = check("check-shell", tree)
    assert code != 0 and "SC2086" in out


REPORT = '<testsuite>{}</testsuite>'


@pytest.mark.parametrize("states,counts", [
    (["run", "run", "fail", "disabled"], "2 1"), (["notrun", "run"], "1 1"), ([], "0 0"), (None, "0 1")])
def test_counts(tmp_path, states, counts):
    report = tmp_path / "junit.xml"
    if states is not None:
        report.write_text(REPORT.format("".join(f'<testcase name="x" status="{s}"/>' for s in states)))
    done = subprocess.run([TOP / "tools/count-tests", report], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == counts


def fake_path(folder, **programs):
    """A PATH with our own dpkg-query, apt-get ... in front of the usual ones."""
    folder.mkdir()
    for name, text in programs.items():
        path = folder / name.replace("_", "-")
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", LOG=str(folder / "log"))


def install(env, *options):
    return subprocess.run([TOP / "tools/install-deps", *options], env=env, capture_output=True, text=True)


def test_install_deps_leaves_apt_alone_when_all_is_there(tmp_path):
    env = fake_path(tmp_path / "bin", dpkg_query="echo installed", apt_get='echo "$@" >>"$LOG"')
    assert install(env).returncode == 0
    assert not (tmp_path / "bin/log").exists()


def test_install_deps_updates_once_when_installing_fails(tmp_path):
    env = fake_path(tmp_path / "bin", dpkg_query="exit 1", apt_cache="exit 0", sudo='"$@"',
                    apt_get='echo "$@" >>"$LOG"; case "$*" in *update*) touch "$LOG.up";; '
                            '*) test -e "$LOG.up";; esac')
    assert install(env, "--build").returncode == 0
    calls = (tmp_path / "bin/log").read_text().splitlines()
    assert ["update" in c for c in calls] == [False, True, False]
    assert "cmake" in calls[0] and "cppcheck" not in calls[0]


def test_install_deps_says_so_when_it_cannot(tmp_path):
    env = fake_path(tmp_path / "bin", dpkg_query="exit 1", apt_cache="exit 1", apt_get="exit 100", sudo='"$@"')
    done = install(env, "--build")
    assert done.returncode == 1 and "apt-get update failed" in done.stderr


def test_install_deps_refuses_other_systems(tmp_path):
    (tmp_path / "bin").mkdir()
    for name in ("sh", "sed", "id", "cat"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    done = install(dict(PATH=str(tmp_path / "bin")))
    assert done.returncode == 1 and "not Debian" in done.stderr


def test_install_deps_refuses_unknown_options(tmp_path):
    assert install(os.environ, "--evrything").returncode == 2
