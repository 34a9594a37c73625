"""The linter of adapter commands: every hazard is told with its line and what to write; a clean one says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from core.model import Severity
from core.storage.command.config import CommandConfig, parse_config
from core.storage.command.lint import RULES, LintProblem, command_lines, lint, raw_listing, refusals
from core.storage.command.linting.shell import read_script
from tests.support import adapter_samples as samples

CLEAN = {
    "create_backup": 'echo "$BACKUP_NAME"',
    "create_for_write": 'echo "$BACKUP_HANDLE/$FILE_NAME"; exec 1>&-; cat | tool "$BACKUP_HANDLE/$FILE_NAME"',
    "open_for_read": 'tool get "$FILE_HANDLE"',
    "save_metadata_line": 'echo "metadata/$FILE_NAME"; exec 1>&-; cat | tool put "metadata/$FILE_NAME"',
    "list_metadata_files": "tool list metadata/",
    "backup_metadata_file": 'tool move "metadata/$FILE_NAME" "metadata_backup/$FILE_NAME"',
}


def config(variables: dict[str, str] | None = None, **commands: str | None) -> CommandConfig:
    """A configuration that is clean but for what is given."""
    return CommandConfig(variables or {}, **{**CLEAN, **commands})  # type: ignore[arg-type]


def with_command(name: str, text: str) -> CommandConfig:
    """A configuration that is clean but for one command."""
    return replace(config(), **{name: text})  # type: ignore[arg-type]


def told(problems: Iterable[LintProblem]) -> set[tuple[str, str, int]]:
    return {(each.hazard, each.command, each.line) for each in problems}


def only(given: CommandConfig, hazard: str) -> LintProblem:
    """The one problem that there is, which is of that hazard."""
    (problem,) = lint(given)
    assert problem.hazard == hazard
    return problem


def corrected(problem: LintProblem) -> CommandConfig:
    """The clean configuration with the corrected text as that command."""
    return with_command(problem.command, problem.correction)


# Whole configurations.


@pytest.mark.parametrize("name", ["CLEAN_GCS", "CLEAN_FOLDER"])
def test_a_clean_configuration_says_nothing(name: str) -> None:
    assert lint(parse_config(getattr(samples, name).encode())) == ()
    assert lint(config()) == ()


PUBLISHED = {
    "S3": {
        ("empty-listing-new-identity", "list_metadata_files", 2),
        ("adapter-argument-splitting", "backup_metadata_file", 1),
        ("cloud-overwrite", "save_metadata_line", 4),
        ("backup-dir-overwrite", "backup_metadata_file", 1),
    },
    "GCS": {
        ("empty-listing-new-identity", "list_metadata_files", 1),
        ("adapter-argument-splitting", "backup_metadata_file", 1),
        ("cloud-overwrite", "save_metadata_line", 4),
        ("backup-dir-overwrite", "backup_metadata_file", 1),
    },
    "AZURE": {
        ("azure-sample-broken", "save_metadata_line", 4),
        ("empty-listing-new-identity", "list_metadata_files", 1),
        ("cloud-overwrite", "save_metadata_line", 4),
        ("backup-dir-overwrite", "backup_metadata_file", 1),
    },
    "FOLDER": {
        ("adapter-handle-mismatch", "save_metadata_line", 1),
        ("adapter-stdout-open", "save_metadata_line", 1),
        ("empty-listing-new-identity", "list_metadata_files", 1),
        ("adapter-no-move-command", "backup_metadata_file", 0),
        ("adapter-argument-splitting", "create_backup", 1),
        ("adapter-argument-splitting", "create_for_write", 1),
        ("adapter-argument-splitting", "save_metadata_line", 1),
        ("adapter-argument-splitting", "list_metadata_files", 1),
        ("cloud-overwrite", "save_metadata_line", 1),
    },
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_sample_has_exactly_its_known_faults(name: str) -> None:
    problems = lint(parse_config(getattr(samples, name).encode()))
    assert told(problems) == PUBLISHED[name]
    ranks = [each.severity.rank for each in problems]
    assert ranks == sorted(ranks, reverse=True)


def test_the_azure_sample_gets_its_line_back_as_it_was_meant() -> None:
    problems = [each for each in lint(parse_config(samples.AZURE.encode())) if each.hazard == "azure-sample-broken"]
    assert ["nothing sets $SUBDIR" in each.why for each in problems] == [True, False]
    assert "lacks $CONTAINER" in problems[1].why
    for each in problems:
        assert 'windows.net/$CONTAINER/$SUB_DIR/$FILE_HANDLE$SAS"' in each.correction
    again = samples.AZURE.replace(problems[0].text, problems[0].correction)
    assert not [each for each in lint(parse_config(again.encode())) if each.hazard == "azure-sample-broken"]


def test_the_lines_of_the_yaml_are_where_the_texts_stand() -> None:
    for name in PUBLISHED:
        text = getattr(samples, name)
        lines = command_lines(text.encode())
        for each in lint(parse_config(text.encode())):
            if each.line:
                assert each.text in text.split("\n")[lines[each.command] + each.line - 2]
    assert command_lines(b"\xff") == command_lines(b"{") == command_lines(b"") == {}


def test_no_secret_is_in_what_is_said() -> None:
    secret = "sv=1&sig=TOPSECRETSIGNATURE"
    text = f'eval azcopy ls "https://a.blob.core.windows.net/box?{secret}" $NOWHERE || true'
    found = lint(config({"SAS": f"?{secret}"}, list_metadata_files=text))
    assert found
    assert "TOPSECRET" not in repr(found)


# Each hazard alone.


@pytest.mark.parametrize(
    "hidden", ["(aws s3 ls x ||:)", "aws s3 ls x || true", "{ aws s3 ls x || exit 0; }", "set +e; aws s3 ls x"]
)
def test_a_listing_that_hides_its_failure(hidden: str) -> None:
    text = f"{hidden} | sed -ne 's#^[-0-9]* [:0-9]* *[0-9]* \\(..*\\.meta\\)$#metadata/\\1#p'"
    problem = only(config(list_metadata_files=text), "empty-listing-new-identity")
    assert problem.severity is Severity.ERROR
    if "set" not in hidden:
        assert lint(corrected(problem)) == ()


@pytest.mark.parametrize("honest", ["aws s3 ls x || exit 7", "aws s3 ls x || { echo no >&2; exit 1; }"])
def test_a_listing_that_tells_its_failure_is_fine(honest: str) -> None:
    assert "empty-listing-new-identity" not in {each.hazard for each in lint(config(list_metadata_files=honest))}


@pytest.mark.parametrize("command", ["create_for_write", "save_metadata_line"])
def test_a_command_that_keeps_its_output_open(command: str) -> None:
    text = CLEAN[command].replace("; exec 1>&-; ", "\n")
    problem = only(with_command(command, text), "adapter-stdout-open")
    assert problem.command == command
    assert problem.correction.endswith("\nexec 1>&-")
    assert lint(with_command(command, text.replace(problem.text, problem.correction))) == ()


@pytest.mark.parametrize("closing", ["exec 1>&-", "exec >&-", "exec >/dev/null", "exec 1> /dev/null"])
def test_every_way_of_closing_the_output_counts(closing: str) -> None:
    assert lint(config(save_metadata_line=CLEAN["save_metadata_line"].replace("exec 1>&-", closing))) == ()


@pytest.mark.parametrize("printed", ['"s3://b/metadata/$FILE_NAME"', '"$FILE_NAME"', '"./metadata/$FILE_NAME"'])
def test_a_handle_that_is_spelled_otherwise_than_it_is_listed(printed: str) -> None:
    text = f"H={printed}\necho $H\nexec 1>&-\ncat | tool"
    problems = {each.hazard: each for each in lint(config(save_metadata_line=text))}
    assert "adapter-handle-mismatch" in problems
    assert problems["adapter-handle-mismatch"].correction == 'echo "metadata/$FILE_NAME"'


@pytest.mark.parametrize("printed", ['"$DIR/$FILE_NAME"', "${DIR}/${FILE_NAME}", '"$(tool name)"'])
def test_a_handle_that_is_right_or_can_not_be_told_is_fine(printed: str) -> None:
    text = f"echo {printed}; exec 1>&-; cat | tool"
    found = {each.hazard for each in lint(config({"DIR": "metadata"}, save_metadata_line=text))}
    assert "adapter-handle-mismatch" not in found


def test_a_missing_move_command() -> None:
    problem = only(config(backup_metadata_file=None), "adapter-no-move-command")
    assert (problem.severity, problem.line) == (Severity.ERROR, 0)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ('tool get "$FILE_HANDLE" $FILE_HANDLE', 'tool get "$FILE_HANDLE" "$FILE_HANDLE"'),
        ("tool get x/$FILE_HANDLE", 'tool get "x/$FILE_HANDLE"'),
        ("tool --from=$FILE_HANDLE", 'tool --from="$FILE_HANDLE"'),
        ('tool "a"$FILE_HANDLE', 'tool "a""$FILE_HANDLE"'),
        ("tool < $FILE_HANDLE", 'tool < "$FILE_HANDLE"'),
        ("tool get ${FILE_HANDLE}", 'tool get "${FILE_HANDLE}"'),
        ('H="x/$FILE_HANDLE"; tool $H', 'H="x/$FILE_HANDLE"; tool "$H"'),
        ('tool "$(dirname $FILE_HANDLE)"', 'tool "$(dirname "$FILE_HANDLE")"'),
    ],
)
def test_a_value_of_the_store_without_quotes(text: str, right: str) -> None:
    problem = only(config(open_for_read=text), "adapter-argument-splitting")
    assert problem.correction == right
    assert not problem.executes, "bash splits it and runs nothing of it"
    assert lint(corrected(problem)) == ()


@pytest.mark.parametrize(
    "text",
    [
        'H=x/$FILE_HANDLE; tool "$H"',
        '[[ $FILE_HANDLE == a* ]] && tool "$FILE_HANDLE"',
        'case $FILE_HANDLE in *) tool "$FILE_HANDLE" ;; esac',
        "tool <<< $FILE_HANDLE",
        "tool '$FILE_HANDLE' \\$FILE_HANDLE # $FILE_HANDLE",
        "tool <<'EOF'\n$FILE_HANDLE\nEOF\n",
        "tool <<EOF\n$FILE_HANDLE\nEOF\n",
        "tool ${#FILE_HANDLE} $BUCKET",
        'export H=$FILE_HANDLE; tool "$H"',
    ],
)
def test_where_bash_splits_nothing_nothing_is_said(text: str) -> None:
    assert lint(config({"BUCKET": "b"}, open_for_read=text)) == ()


def test_a_variable_of_the_configuration_matters_where_its_value_holds_a_blank() -> None:
    assert lint(config({"DIR": "/srv/backup"}, open_for_read='cat $DIR/"$FILE_HANDLE"')) == ()
    only(config({"DIR": "/srv/my backup"}, open_for_read='cat $DIR/"$FILE_HANDLE"'), "adapter-argument-splitting")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ('tool "$TOKEN" "$FILE_HANDLE"', ["TOKEN"]),
        ('tool "${TOKEN:-x}" "$FILE_HANDLE"', []),
        ('TOKEN=1; tool "$TOKEN" "$FILE_HANDLE"', []),
        ('read -r TOKEN < /x; tool "$TOKEN" "$FILE_HANDLE"', []),
        ('for TOKEN in a b; do tool "$TOKEN" "$FILE_HANDLE"; done', []),
        ('tool "$HOME" "$PATH" "$$" "$?" "$@" "$1" "$FILE_HANDLE"', []),
    ],
)
def test_a_variable_that_something_sets_is_fine(text: str, known: list[str]) -> None:
    assert lint(config(open_for_read=text), known) == ()


def test_a_variable_that_nothing_sets() -> None:
    problem = only(config({"BUCKET": "b"}, open_for_read='tool "$BUKET/$FILE_HANDLE" "$BUKET"'), "azure-sample-broken")
    assert "BUKET: unbound variable" in problem.why
    assert '"$BUCKET/$FILE_HANDLE"' in problem.correction
    assert only(config(open_for_read='tool "$XYZZY" "$FILE_HANDLE"'), "azure-sample-broken").correction == ""


@pytest.mark.parametrize(
    "text",
    [
        'eval "tool $FILE_HANDLE"',
        'bash -c "cat $FILE_HANDLE"',
        'sh -c \'cat "$1"\' _ "$FILE_HANDLE"',
        'sudo -u x /bin/sh -ec "cat $FILE_HANDLE"',
        'env A=1 bash -lc "cat $FILE_HANDLE"',
        "python3 -c \"print(open('$FILE_HANDLE').read())\"",
        'ssh host "cat $FILE_HANDLE"',
        'source "$FILE_HANDLE"',
        'x="$(eval echo "$FILE_HANDLE")"; cat "$x"',
    ],
)
def test_text_that_is_read_as_code_once_more(text: str) -> None:
    problem = only(config(open_for_read=text), "config-is-code")
    assert (problem.severity, problem.executes) == (Severity.ERROR, True)
    assert refusals(config(open_for_read=text)) == (problem,)


@pytest.mark.parametrize("text", ['bash script.sh "$FILE_HANDLE"', 'tool -c "$FILE_HANDLE"', "echo eval bash"])
def test_what_only_looks_like_code_is_fine(text: str) -> None:
    assert lint(config(open_for_read=text)) == ()


@pytest.mark.parametrize("options", ["", "-n1", "-I{}", "-d '\\n'"])
def test_xargs_that_splits_names(options: str) -> None:
    text = f"find metadata -type f | xargs {options} echo"
    problem = only(config(list_metadata_files=text), "config-is-code")
    assert problem.severity is Severity.WARNING
    assert "-print0 | xargs -0" in problem.correction


def test_backticks_around_a_value_of_the_store() -> None:
    problem = only(config(open_for_read='cat "`realpath "$FILE_HANDLE"`"'), "config-is-code")
    assert "backticks" in problem.why


@pytest.mark.parametrize(
    ("save", "right"),
    [
        ('gsutil -q cp - "gs://b/metadata/$FILE_NAME"', 'gsutil -q cp -n - "gs://b'),
        ('gcloud storage cp - "gs://b/metadata/$FILE_NAME"', "gcloud storage cp --no-clobber -"),
        ('azcopy cp "https://x/metadata/$FILE_NAME"', "azcopy cp --overwrite=false"),
        ('aws s3 cp - "s3://b/metadata/$FILE_NAME"', ""),
        ('cat > "/srv/metadata/$FILE_NAME"', ""),
    ],
)
def test_a_save_that_replaces_what_is_there_is_a_note(save: str, right: str) -> None:
    text = f'echo "metadata/$FILE_NAME"\nexec 1>&-\n{save}'
    problem = only(config(save_metadata_line=text), "cloud-overwrite")
    assert (problem.severity, problem.line) == (Severity.INFO, 3)
    assert right in problem.correction
    if right:
        assert lint(config(save_metadata_line=text.replace(problem.text, problem.correction))) == ()


@pytest.mark.parametrize(
    "upload",
    [
        'aws s3api put-object --bucket b --key "metadata/$FILE_NAME" --body "$F" --if-none-match "*"',
        'aws s3api put-object --bucket b --key "metadata/$FILE_NAME" --body "$F" --if-none-match \'*\'',
        'aws s3 cp --no-overwrite "$F" "s3://b/metadata/$FILE_NAME"',
        'gsutil -q -h "x-goog-if-generation-match:0" cp "$F" "gs://b/metadata/$FILE_NAME"',
        'gcloud storage cp --if-generation-match=0 "$F" "gs://b/metadata/$FILE_NAME"',
        'gcloud storage cp --if-generation-match 0 "$F" "gs://b/metadata/$FILE_NAME"',
    ],
)
@pytest.mark.parametrize("behind", ["", '\naws s3 cp "s3://b/metadata/$FILE_NAME" "$F"'])
def test_an_upload_on_the_condition_that_the_name_is_free_is_clean(upload: str, behind: str) -> None:
    """Also where the file is fetched afterwards to be compared, or the old one removed."""
    save = f'F=$(mktemp)\necho "metadata/$FILE_NAME"\nexec 1>&-\ncat > "$F"\n{upload}{behind}'
    assert lint(config(save_metadata_line=save)) == ()
    move = f'F=$(mktemp)\naws s3 cp "s3://b/metadata/$FILE_NAME" "$F"\n{upload}\naws s3 rm "s3://b/metadata/$FILE_NAME"'
    assert lint(config(backup_metadata_file=move)) == ()


def test_an_upload_by_az_is_clean() -> None:
    upload = 'az storage blob upload --container-name b --name "metadata/$FILE_NAME" --file "$F" --overwrite false'
    save = f'F=$(mktemp)\necho "metadata/$FILE_NAME"\nexec 1>&-\ncat > "$F"\n{upload}'
    assert lint(config(save_metadata_line=save)) == ()


@pytest.mark.parametrize("option", ["--overwrite=false", "--overwrite false"])
def test_both_spellings_of_an_option_count(option: str) -> None:
    text = f'echo "metadata/$FILE_NAME"; exec 1>&-; azcopy cp {option} "https://x/metadata/$FILE_NAME"'
    assert lint(config(save_metadata_line=text)) == ()


def test_a_listing_is_cut_at_its_filter_and_hides_nothing_any_more() -> None:
    for name, text in (("S3", "aws s3 ls"), ("GCS", "gsutil -q ls"), ("AZURE", "azcopy ls")):
        cut = raw_listing(parse_config(getattr(samples, name).encode()).list_metadata_files)
        assert cut is not None
        assert cut[0].startswith(f"({text}")
        assert "||" not in cut[0]
        assert not cut[0].endswith("\\")
        assert cut[1].startswith("sed -ne")
    assert raw_listing("tool ls | sed p | grep .") == ("tool ls", "sed p | grep .")
    assert raw_listing("ls -1") is None
    assert raw_listing("cd x && ls | sed p") is None


# Hostile texts.


@pytest.mark.parametrize(
    "text",
    [
        '"', "'", "`", "$(", "${", "$", "\\", "<<", "<<EOF", "((", "$((", "|", ")", "(", "a)", "$'", '"$(', "&&", "x <",
        "$(" * 99, "${" * 500, "`" * 999, "(" * 2_000, '"$(echo "' * 300, "a|" * 2_000, "\x00\u202e",
    ],
)  # fmt: skip
def test_a_text_that_bash_would_not_take_is_read_to_its_end(text: str) -> None:
    read_script(text)
    for command in CLEAN:
        lint(with_command(command, text))


def test_a_long_configuration_is_read_in_time() -> None:
    text = "\n".join(f'echo "$FILE_HANDLE" | sed -e s/{number}/x/ $FILE_HANDLE' for number in range(2_000))
    assert len(lint(config(open_for_read=text))) == 2_000


def test_every_rule_is_named_after_a_hazard_that_the_catalogue_has() -> None:
    from core.findings.catalogue import CATALOGUE

    assert {name.partition(":")[0] for name in RULES} <= set(CATALOGUE)
    assert all(re.fullmatch(r"[a-z-]+:[a-z_]+", name) for name in RULES)
