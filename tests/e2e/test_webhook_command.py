# SPDX-License-Identifier: MIT
"""`pylon webhook sign|verify`: verdicts, exit statuses and options. No daemon is needed."""
import json
import os
import pathlib
import subprocess

import pytest

PYLON = os.environ.get("PYLON", "pylon")
VECTORS = json.loads(
    (pathlib.Path(__file__).parent.parent / "signature" / "vectors.json").read_text(encoding="utf-8"))
HELLO = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
SECRET = "It's a Secret to Everybody"


@pytest.fixture(name="pylon")
def fixture_pylon(tmp_path):
    """Runs `pylon webhook ...` in a home of its own, with a body file."""
    body = tmp_path / "body"

    def run(*words, body_text="Hello, World!", stdin="", env=None):
        body.write_text(body_text, encoding="utf-8")
        words = [str(body) if w == "BODY" else w for w in words]
        return subprocess.run(
            [PYLON, "webhook", *words], input=stdin, capture_output=True, text=True, timeout=30, check=False,
            env={**os.environ, "PYLON_HOME": str(tmp_path / "home"), **(env or {})})

    return run


def header_words(headers):
    for name, values in headers.items():
        for value in values if isinstance(values, list) else [values]:
            yield from ("--header", f"{name}: {value}")


@pytest.mark.parametrize("row", VECTORS["vectors"], ids=lambda row: row["id"])
def test_published_vectors_come_out_right(pylon, row):
    words = ["verify", "--recipe", row["recipe"], "--secret", row["secret"], "--body", "BODY"]
    if row["now"] is not None:
        words += ["--now", str(row["now"])]
    answer = pylon(*words, *header_words(row["headers"]), body_text=row["body"])
    assert answer.returncode in (0, 1)
    if row["expect"] != "either":
        assert (answer.returncode == 0) == (row["expect"] == "accept")
    assert (answer.stdout == "ok\n") == (answer.returncode == 0)


@pytest.mark.parametrize("secret", VECTORS["bad_secrets"])
def test_impossible_secret_is_a_verdict(pylon, secret):
    answer = pylon("verify", "--recipe", "standard", "--secret", secret, "--body", "BODY")
    assert (answer.returncode, answer.stdout) == (1, "bad_secret\n")


@pytest.mark.parametrize("recipe,extra", [
    ("hex", ["--signature-header", "X-Sig"]), ("github", []),
    ("standard", []), ("standard", ["--signature-header", "svix-signature"])])
def test_what_sign_makes_verify_takes(pylon, recipe, extra):
    common = ["--recipe", recipe, "--secret", "c2VjcmV0IHNlY3JldA==", "--body", "BODY", *extra]
    lines = pylon("sign", *common).stdout.splitlines()
    words = [word for line in lines for word in ("--header", line)]
    assert pylon("verify", *common, *words).stdout == "ok\n"
    assert pylon("verify", *common, *words, body_text="other").stdout == "bad_signature\n"


def test_secret_may_come_from_a_file_standard_input_or_the_environment(pylon, tmp_path):
    common = ["verify", "--recipe", "github", "--body", "BODY",
              "--header", f"X-Hub-Signature-256: sha256={HELLO}"]
    (tmp_path / "secret").write_text(SECRET + "\n", encoding="utf-8")
    assert pylon(*common, "--secret-file", str(tmp_path / "secret")).stdout == "ok\n"
    assert pylon(*common, "--secret-file", "-", stdin=SECRET).stdout == "ok\n"
    assert pylon(*common, "--secret-env", "HOOK_SECRET", env={"HOOK_SECRET": SECRET}).stdout == "ok\n"
    assert pylon(*common, "--secret", "old", "--secret", SECRET).stdout == "ok\n"


def test_verdict_as_json(pylon):
    answer = pylon("verify", "--recipe", "github", "--secret", "x", "--body", "BODY", "--json")
    assert json.loads(answer.stdout) == {"ok": False, "reason": "missing_header"}
    assert answer.returncode == 1


@pytest.mark.parametrize("words", [
    [], ["sign"], ["both"], ["verify", "sign"], ["verify", "--body", "BODY"],
    ["verify", "--body", "BODY", "--secret", "x"],
    ["verify", "--body", "BODY", "--secret", "x", "--recipe", "hex"],
    ["verify", "--body", "BODY", "--secret", "x", "--recipe", "github", "--now", "1.5"],
    ["verify", "--body", "BODY", "--secret", "x", "--recipe", "github", "--header", "no colon"],
    ["verify", "--body", "-", "--secret-file", "-", "--recipe", "github"],
    ["verify", "--unknown", "x"], ["verify", "--body"]])
def test_wrong_use_is_exit_2(pylon, words):
    answer = pylon(*words)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr


def test_unknown_recipe_names_the_known_ones(pylon):
    answer = pylon("verify", "--recipe", "nobody", "--secret", "x", "--body", "BODY")
    assert answer.returncode == 2
    for name in ("hex", "github", "standard"):
        assert name in answer.stderr
