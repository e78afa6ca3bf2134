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
        body.write_bytes(body_text.encode())
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
    if "signature_header" in row:
        words += ["--signature-header", row["signature_header"]]
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
    ("hex", ["--signature-header", "X-Sig"]), ("github", []), ("slack", []), ("stripe", []), ("sentry", []),
    ("standard", []), ("standard", ["--signature-header", "svix-signature"])])
def test_what_sign_makes_verify_takes(pylon, recipe, extra):
    common = ["--recipe", recipe, "--secret", "c2VjcmV0IHNlY3JldA==", "--body", "BODY", *extra]
    lines = pylon("sign", *common).stdout.splitlines()
    words = [word for line in lines for word in ("--header", line)]
    assert pylon("verify", *common, *words).stdout == "ok\n"
    assert pylon("verify", *common, *words, body_text="other").stdout == "bad_signature\n"


@pytest.mark.parametrize("recipe,extra", [
    ("gitlab", []), ("bearer", []), ("token", ["--signature-header", "X-Telegram-Bot-Api-Secret-Token"])])
def test_token_is_sent_and_the_body_is_not_signed(pylon, recipe, extra):
    common = ["--recipe", recipe, "--body", "BODY", *extra]
    lines = pylon("sign", *common, "--secret", "T-1").stdout.splitlines()
    words = [word for line in lines for word in ("--header", line)]
    assert pylon("verify", *common, "--secret", "T-1", *words, body_text="other").stdout == "ok\n"
    assert pylon("verify", *common, "--secret", "T-2", *words).stdout == "bad_signature\n"


def test_linear_is_stale_by_its_body(pylon):
    common = ["--recipe", "linear", "--secret", "x", "--body", "BODY"]
    body = '{"webhookTimestamp": 1700000000000}'
    line = pylon("sign", *common, body_text=body).stdout.splitlines()[-1]
    verify = ["verify", *common, "--header", line, "--now"]
    assert pylon(*verify, "1700000060", body_text=body).stdout == "ok\n"
    answer = pylon(*verify, "1700000061", body_text=body)
    assert (answer.returncode, answer.stdout) == (1, "stale_timestamp\n")
    assert "webhookTimestamp is 61000 ms old, at most 60000 are allowed" in answer.stderr


def test_discord_key_cannot_sign(pylon):
    answer = pylon("sign", "--recipe", "discord", "--body", "BODY", "--secret",
                   "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "a public key verifies, it cannot sign" in answer.stderr
    answer = pylon("verify", "--recipe", "discord", "--body", "BODY", "--secret", "no key")
    assert (answer.returncode, answer.stdout) == (1, "bad_secret\n")


@pytest.mark.parametrize("words,reason,told", [
    ([], "missing_header", "there is no header X-Hub-Signature-256"),
    (["--header", f"X-Hub-Signature-256: {HELLO}"], "malformed_header", "does not begin with sha256="),
    (["--header", "X-Hub-Signature-256: sha256=00"], "malformed_header", "64 hex digits after sha256="),
    (["--header", f"X-Hub-Signature-256: sha256={HELLO}"] * 2, "malformed_header", "is there 2 times"),
    (["--header", "X-Hub-Signature-256: sha256=" + "0" * 64], "bad_signature", "13 bytes of body")])
def test_failed_step_is_told(pylon, words, reason, told):
    common = ["verify", "--recipe", "github", "--secret", SECRET, "--body", "BODY", *words]
    answer = pylon(*common)
    assert (answer.returncode, answer.stdout) == (1, reason + "\n")
    assert told in answer.stderr
    assert SECRET not in answer.stderr
    assert pylon(*common, "--quiet").stderr == ""


@pytest.mark.parametrize("sent,seen,told", [
    ("hello", "hello\n", "without the line end"), ("hello", "hello\r\n", "without the line end"),
    ("hello\n", "hello", "with a line end"),
    ('{"a":[1,{"b":"x y"}]}', '{\n  "a": [1, {"b": "x y"}]\n}\n', "as JSON without blanks"),
    ("hello", "Hello", None), ("hello", "hello\n\n", None), ('{"a":1}', '{"a":1.0}', None)])
def test_damage_to_the_body_is_named(pylon, sent, seen, told):
    common = ["--recipe", "github", "--secret", "x", "--body", "BODY"]
    line = pylon("sign", *common, body_text=sent).stdout.splitlines()[-1]
    answer = pylon("verify", *common, "--header", line, body_text=seen)
    assert (answer.returncode, answer.stdout) == (1, "bad_signature\n")
    assert ("would be genuine" in answer.stderr) == (told is not None)
    assert (told or "") in answer.stderr


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
    for name in ("hex", "github", "gitlab", "slack", "stripe", "standard", "linear", "sentry", "discord",
                 "bearer", "token"):
        assert name in answer.stderr
