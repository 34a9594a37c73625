"""Stock's command adapter YAML, read as stock reads it; what is no such file is called so, without its secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import UsageError
from core.storage.command.config import MAX_CONFIG_BYTES, ConfigRefused, load_config, parse_config
from tests.support.adapters import adapter_text

COMMANDS = """
commands:
  create_backup: echo "$BACKUP_NAME"
  create_for_write: 'exec 1>&-'
  open_for_read: |
    gsutil -q cp "gs://$BUCKET/$FILE_HANDLE" - |
      gzip -cd
  save_metadata_line: a
  list_metadata_files: b
"""


def test_a_configuration_is_read_with_its_commands_as_they_are() -> None:
    config = parse_config(f"env_vars:\n  - {{key: BUCKET, value: my-bucket}}\n{COMMANDS}".encode())
    assert config.env_vars == {"BUCKET": "my-bucket"}
    assert config.open_for_read == 'gsutil -q cp "gs://$BUCKET/$FILE_HANDLE" - |\n  gzip -cd\n'
    assert config.create_backup == 'echo "$BACKUP_NAME"'
    assert config.backup_metadata_file is None


@pytest.mark.parametrize(
    ("spelled", "text"),
    [
        ("007", "007"),
        ("1e3", "1e3"),
        ("0x1F", "0x1F"),
        ("yes", "yes"),
        ("null", "null"),
        ("2001-01-01", "2001-01-01"),
        ("'it''s'", "it's"),
        ('"tab\\tb \\u00e9 \\U0001F600"', "tab\tb é \U0001f600"),
        ("!!python/object/apply:os.system [x]", None),
        ("!!python/name:os.system", ""),
        ("!secret abc", "abc"),
    ],
)
def test_a_value_is_the_text_that_stands_there_and_no_tag_means_anything(spelled: str, text: str | None) -> None:
    data = f"env_vars:\n  - key: A\n    value: {spelled}\n{COMMANDS}".encode()
    if text is None:
        with pytest.raises(ConfigRefused, match=r"the value of A is no text \(line 3\)"):
            parse_config(data)
    else:
        assert parse_config(data).env_vars == {"A": text}


def test_unknown_keys_are_ignored_and_of_equal_variables_the_last_one_counts() -> None:
    variables = "env_vars: [{key: A, value: 1, why: x}, {key: A, value: 2}]\n"
    data = f"seamline: {{lease_store: s3://x}}\n{variables}{COMMANDS}  future_command: x\n"
    assert parse_config(data.encode()).env_vars == {"A": "2"}


@pytest.mark.parametrize("spelled", ["", "~", "null"])
def test_the_command_that_moves_files_away_may_be_missing_or_null(spelled: str) -> None:
    assert parse_config(f"{COMMANDS}  backup_metadata_file: {spelled}\n".encode()).backup_metadata_file is None
    assert parse_config(f"{COMMANDS}  backup_metadata_file: 'null'\n".encode()).backup_metadata_file == "null"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        ("just words", "it is not a list of names and values"),
        ("- a\n- b\n", "it is not a list of names and values"),
        ("env_vars: []\n", "it has no commands"),
        ("commands: {open_for_read: cat}\n", "commands has no create_backup"),
        ("commands: [a]\n", r"commands is not a list of names and values \(line 1\)"),
        (COMMANDS.replace("list_metadata_files: b", "list_metadata_files: [b]"), "list_metadata_files is no text"),
        (COMMANDS.replace("list_metadata_files: b", "list_metadata_files: ''"), "list_metadata_files is empty"),
        (f"{COMMANDS}  open_for_read: again\n", r"open_for_read stands there twice \(line \d+\)"),
        (f"env_vars: {{A: b}}\n{COMMANDS}", "env_vars is not a list"),
        (f"env_vars: [A]\n{COMMANDS}", "an item of env_vars is not a list of names and values"),
        (f"env_vars: [{{key: A}}]\n{COMMANDS}", "an item of env_vars has no value"),
        (f"env_vars: [{{key: A=B, value: c}}]\n{COMMANDS}", "'A=B' can't be the name of a variable"),
        (f"env_vars: [{{key: '', value: c}}]\n{COMMANDS}", "'' can't be the name of a variable"),
        (f'env_vars: [{{key: A, value: "x\\0y"}}]\n{COMMANDS}', "a character that no program can be given"),
        (f'env_vars: [{{key: A, value: "\\ud800"}}]\n{COMMANDS}', "a character that no program can be given"),
        (f"{COMMANDS}---\n{COMMANDS}", "it is not YAML: but found another document"),
        ("commands: {a: b\n", "it is not YAML"),
        ("a: *nowhere\n", r"it is not YAML: found undefined alias 'nowhere' \(line 1\)"),
        ("commands: \x07\n", "a character that YAML forbids"),
        pytest.param("[" * 5_000, "it is nested too deeply", id="nested"),
        ("? {a: b}\n: c\n", "a key that is no word"),
    ],
)
def test_what_is_no_configuration_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(ConfigRefused, match=why):
        parse_config(text.encode())


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(ConfigRefused, match="it is not UTF-8"):
        parse_config(b"commands: \xff\n")


def test_aliases_of_aliases_take_no_more_than_they_are() -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 60))
    assert parse_config(f"a0: &a0 [x]\n{levels}{COMMANDS}".encode()).save_metadata_line == "a"


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: None, "there is no such file"),
        (os.mkfifo, "it is not a plain file"),
        (lambda path: path.write_bytes(b"#" * (MAX_CONFIG_BYTES + 1)), "it is larger than the 262,144 bytes"),
        (lambda path: path.write_bytes(b"a: b"), "it has no commands"),
    ],
)
def test_a_file_that_is_no_configuration_is_a_usage_error_with_its_name(tmp_path: Path, make: object, why: str) -> None:
    path = tmp_path / "adapter.yaml"
    assert callable(make)
    make(path)
    with pytest.raises(UsageError, match=why) as caught:
        load_config(str(path))
    assert "adapter.yaml' is no command adapter configuration" in caught.value.message
    assert "--command-adapter-config" in caught.value.hint


def test_no_message_and_no_repr_shows_the_value_of_a_variable() -> None:
    secret = "sv=2022&sig=hunter2hunter2"
    config = parse_config(adapter_text({"SAS": secret, "TWO": "first-line\nsecond-line", "N": "1"}).encode())
    assert "hunter2" not in repr(config)
    said = f"denied: {secret} for second-line at https://x/y?token=abc&b=1 after 1 try"
    assert config.without_secrets(said) == "denied: *** for *** at https://x/y?*** after 1 try"
    with pytest.raises(ConfigRefused) as caught:
        parse_config(f"env_vars: [{{key: SAS, value: [{secret!r}]}}]\n{COMMANDS}".encode())
    assert "hunter2" not in str(caught.value)
