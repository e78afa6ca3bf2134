# SPDX-License-Identifier: MIT
"""What the checks share: which files are ours, and C text without comments and strings."""
import argparse
import os
import pathlib
import re
import sys

SKIP = {".git", "build", ".cache", "__pycache__", "corpus"}
C_FOLDERS = ("src", "tests", "fuzz", "bench")
TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def arguments(doc):
    """--root lets the checks' own tests point them at a small tree; other arguments stay in .rest."""
    parser = argparse.ArgumentParser(description=doc)
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("rest", nargs="*")
    return parser.parse_args()


def files(root):
    """Every file that is not built, relative to root."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in SKIP)
        for name in sorted(names):
            path = pathlib.Path(folder) / name
            if not path.is_symlink():
                yield path.relative_to(root)


def c_files(root, folders=C_FOLDERS):
    for folder in folders:
        for path in files(root / folder):
            if path.suffix in (".c", ".h"):
                yield pathlib.Path(folder) / path


def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


def shebang(path):
    with open(path, "rb") as f:
        line = f.readline(200)
    return line.decode("utf-8", "replace").strip() if line.startswith(b"#!") else ""


def code(text):
    """The text with comments and the insides of literals blanked; lines keep their numbers."""
    def blank(match):
        token = match.group(0)
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        return token[0] + " " * (len(token) - 2) + token[-1]
    return TOKEN.sub(blank, text)


def finish(problems, what):
    for problem in problems:
        print(problem)
    print(f"{what}: {len(problems)} problem(s)" if problems else f"{what}: ok")
    sys.exit(1 if problems else 0)
