"""The command adapters that Seamline writes, in the hands of bash as stock runs it, and read back."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import Refused, SeamlineError, UsageError
from core.names import handle_problem
from core.storage import identity_of
from core.storage.adapter.place import place_of
from core.storage.adapter.text import adapter_text, url_of
from core.storage.command.config import parse_config
from core.storage.command.lint import lint
from core.storage.command.reader import CommandReader
from core.storage.objects.location import parse_location
from tests.support import adapter_samples
from tests.support.adapters import STOCK_PRELUDE, Ran, StockAdapter
from tests.support.cloud_tools import install, variables

LINE = b'{"Identity":{"id":"' + b"0" * 64 + b'"}}\n'
OTHER = LINE.replace(b"0", b"1")
ODD = "a b/ü$HOME'\"%41;`id`"
PLACES = {
    "folder": ("{root}/" + ODD, "{root}/" + ODD),
    "s3": (f"s3://buck/{ODD}", "{root}/buck/" + ODD),
    "gs": (f"gs://buck/{ODD}", "{root}/buck/" + ODD),
    "azure": (f"abfss://box@account.dfs.core.windows.net/{ODD}", "{root}/account/box/" + ODD),
    "s3 at the top": ("s3://buck", "{root}/buck"),
    "azure at the top": ("abfss://box@account.dfs.core.windows.net", "{root}/account/box"),
}


@dataclass(frozen=True)
class Place:
    """A store: its location, the folder where the stand-ins keep it, its adapter, and whether its files are gzip."""

    location: str
    folder: Path
    adapter: StockAdapter
    zipped: bool

    def put(self, handle: str, content: bytes) -> None:
        path = self.folder / handle
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content, mtime=0) if self.zipped else content)

    def get(self, handle: str) -> bytes:
        stored = (self.folder / handle).read_bytes()
        return gzip.decompress(stored) if self.zipped else stored

    def save(self, name: str, content: bytes) -> Ran:
        return self.adapter.run("save_metadata_line", content, FILE_NAME=name)

    def move(self, name: str) -> Ran:
        return self.adapter.run("backup_metadata_file", FILE_NAME=name)

    def files(self) -> set[str]:
        return {str(each.relative_to(self.folder)) for each in self.folder.rglob("*") if each.is_file()}


BUCKETS = [name for name in PLACES if name != "folder"]


@pytest.fixture(params=[*PLACES, "s3 gzip", "gs gzip", "azure gzip", "folder gzip"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    name = str(request.param)
    zipped = name.endswith(" gzip")
    location, folder = (each.format(root=tmp_path / "root") for each in PLACES[name.removesuffix(" gzip")])
    Path(folder).mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    config = tmp_path / "adapter.yaml"
    config.write_text(adapter_text(location, zipped=zipped), encoding="utf-8")
    for key, value in variables(install(tmp_path / "bin"), tmp_path / "root").items():
        monkeypatch.setenv(key, value)
    here = Place(location, Path(folder), StockAdapter(str(config), elsewhere), zipped)
    here.put("metadata/identity.meta", LINE)
    yield here
    assert list(elsewhere.iterdir()) == []


def test_stock_reads_writes_lists_and_moves_through_it(place: Place) -> None:
    assert place.adapter.run("create_backup", BACKUP_NAME="epoch_ending_0-.a1b2").output == b"epoch_ending_0-.a1b2\n"
    made = place.adapter.run("create_for_write", LINE * 99, BACKUP_HANDLE="epoch_ending_0-.a1b2", FILE_NAME="0-.chunk")
    assert (made.code, made.output) == (0, b"epoch_ending_0-.a1b2/0-.chunk\n"), made.messages
    assert place.adapter.read("epoch_ending_0-.a1b2/0-.chunk").output == LINE * 99
    saved = place.save("epoch_ending_0-0.meta", OTHER)
    assert (saved.code, saved.output) == (0, b"metadata/epoch_ending_0-0.meta\n"), saved.messages
    assert place.get("metadata/epoch_ending_0-0.meta") == OTHER
    assert sorted(place.adapter.listed()) == ["metadata/epoch_ending_0-0.meta", "metadata/identity.meta"]
    moved = place.move("identity.meta")
    assert moved.code == 0, moved.messages
    assert place.files() == {
        "epoch_ending_0-.a1b2/0-.chunk",
        "metadata/epoch_ending_0-0.meta",
        "metadata_backup/identity.meta",
    }


def test_seamline_reads_through_it_as_stock_does(place: Place) -> None:
    reader = CommandReader(place.adapter.path)
    assert [each.handle for each in reader.list_folder("metadata")] == ["metadata/identity.meta"]
    assert list(reader.read_many("metadata", ["identity.meta"], 1_000)) == [LINE]


def test_a_name_that_is_taken_is_never_replaced(place: Place) -> None:
    assert place.save("identity.meta", LINE).code == 0, "the same lines again, as a second compaction saves them"
    refused = place.save("identity.meta", OTHER)
    assert refused.code != 0
    assert "there with other lines" in refused.messages
    assert place.get("metadata/identity.meta") == LINE
    place.put("metadata_backup/identity.meta", OTHER)
    refused = place.move("identity.meta")
    assert refused.code != 0
    assert "there with other content" in refused.messages
    assert (place.get("metadata/identity.meta"), place.get("metadata_backup/identity.meta")) == (LINE, OTHER)
    assert place.files() == {"metadata/identity.meta", "metadata_backup/identity.meta"}


def test_a_move_that_was_cut_off_is_finished_by_the_next_one(place: Place) -> None:
    place.put("metadata_backup/identity.meta", LINE)
    assert place.move("identity.meta").code == 0
    assert place.files() == {"metadata_backup/identity.meta"}


@pytest.mark.parametrize("content", [b"", LINE[:-1], LINE + OTHER[:9]], ids=["nothing", "no line end", "half a line"])
def test_lines_that_were_cut_off_are_not_saved(place: Place, content: bytes) -> None:
    assert place.save("epoch_ending_0-0.meta", content).code != 0
    assert place.files() == {"metadata/identity.meta"}


def test_only_metadata_files_are_listed_and_an_empty_listing_is_an_error(place: Place) -> None:
    place.put("metadata/old/identity.meta", LINE)
    place.put("metadata/README.md", LINE)
    place.put("metadata/a b.meta", LINE)
    place.put("metadata/.x.meta", LINE)
    assert place.adapter.listed() == ["metadata/identity.meta"]
    (place.folder / "metadata" / "identity.meta").unlink()
    empty = place.adapter.run("list_metadata_files")
    assert (empty.code != 0, empty.output) == (True, b"")


def test_a_handle_is_printed_and_closed_before_anything_is_read(place: Place) -> None:
    """`adapter-stdout-open`: the caller reads to the end before it writes."""
    config = place.adapter.config
    settings = {each["key"]: each["value"] for each in config["env_vars"]}
    for name, parameters in (
        ("save_metadata_line", {"FILE_NAME": "x.meta"}),
        ("create_for_write", {"FILE_NAME": "1-.chunk", "BACKUP_HANDLE": "metadata_backup"}),
    ):
        place.put("metadata_backup/other", LINE)
        process = subprocess.Popen(
            ["bash", "-c", STOCK_PRELUDE + config["commands"][name]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**variables(place.adapter.elsewhere.parent / "bin", place.adapter.elsewhere.parent / "root")}
            | settings
            | parameters,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.read().endswith(b"\n")
        process.stdin.write(LINE)
        process.stdin.close()
        process.stdout.close()
        assert process.wait(timeout=30) == 0


@pytest.mark.parametrize("place", BUCKETS, indirect=True)
def test_a_tool_that_fails_fails_every_command(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN_FAILS", "1")
    assert place.adapter.run("list_metadata_files").code != 0
    assert place.adapter.read("metadata/identity.meta").code != 0
    assert place.save("x.meta", LINE).code != 0
    assert place.move("identity.meta").code != 0
    assert place.files() == {"metadata/identity.meta"}


@pytest.mark.parametrize("word", ["put-object", "cp", "upload"])
def test_an_answer_that_was_lost_is_settled_by_reading_back(
    place: Place, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("STAND_IN_LOSES", word)
    place.save("x.meta", OTHER)
    monkeypatch.delenv("STAND_IN_LOSES")
    again = place.save("x.meta", OTHER)
    assert again.code == 0, again.messages
    assert place.get("metadata/x.meta") == OTHER


def test_nothing_of_a_name_is_ever_run(place: Place) -> None:
    for handle in ("metadata/$(touch pwned).meta", "metadata/;touch pwned", "metadata/`touch pwned`"):
        place.adapter.read(handle)
        place.adapter.run("save_metadata_line", LINE, FILE_NAME=handle.removeprefix("metadata/"))
    assert not list(place.adapter.elsewhere.parent.rglob("pwned"))


def test_a_handle_with_two_dots_does_not_leave_a_folder(tmp_path: Path) -> None:
    store = tmp_path / "store"
    (store / "metadata").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(b"x")
    config = tmp_path / "a.yaml"
    config.write_text(adapter_text(str(store), zipped=False), encoding="utf-8")
    assert StockAdapter(str(config), tmp_path).read("../secret").code != 0


NAMES = st.text(st.characters(exclude_characters="/\\\0", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
PREFIXES = (
    st.lists(NAMES, max_size=4)
    .map("/".join)
    .filter(lambda text: not text or not (handle_problem(text) or set(text) & set("*?[]#")))
)
HOMES = st.sampled_from(["s3://bucket", "gs://bucket", "abfss://box@account.dfs.core.windows.net"])


@given(home=HOMES, prefix=PREFIXES, zipped=st.booleans())
@example(home="s3://bucket", prefix="1e3", zipped=True)
@example(home="gs://bucket", prefix="no", zipped=True)
@example(home="s3://bucket", prefix="~", zipped=False)
@example(home="s3://bucket", prefix="a b/ü$x'\"%41", zipped=False)
@example(home="abfss://box@account.dfs.core.windows.net", prefix="%3F/%", zipped=False)
def test_a_location_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, home: str, prefix: str, zipped: bool
) -> None:
    location = f"{home}/{prefix}" if prefix else home
    file = tmp_path_factory.getbasetemp() / "round-trip.yaml"
    file.write_text(adapter_text(location, zipped=zipped), encoding="utf-8")
    assert place_of(str(file)) == location
    assert identity_of(place_of(str(file))) == identity_of(location)
    config = parse_config(file.read_bytes())
    assert config.lease_store == location
    assert config.backup_metadata_file
    for text in yaml.safe_load(file.read_bytes())["commands"].values():
        assert "||:" not in text
        assert not prefix or len(prefix) < 3 or prefix not in text


def test_a_folder_and_odd_azure_locations_come_back_too(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    folder = tmp_path / "1e3 $x'\"" / "ü"
    folder.mkdir(parents=True)
    file.write_text(adapter_text(f"file://{folder}", zipped=False), encoding="utf-8")
    assert place_of(str(file)) == str(folder)
    url = "https://account.blob.core.windows.net/box/a%3Fb%23c%20d"
    file.write_text(adapter_text(url, zipped=False), encoding="utf-8")
    assert place_of(str(file)) == url
    assert url_of(parse_location("https://account.dfs.core.windows.net/box/a%20b")) == (
        "abfss://box@account.dfs.core.windows.net/a b"
    )


def test_a_prefix_that_gsutil_takes_for_a_pattern_is_refused() -> None:
    with pytest.raises(Refused, match="pattern"):
        adapter_text("gs://bucket/a[1]", zipped=True)


SAMPLES = {
    "s3": (
        {"BUCKET": "company-backup/backup1", "SUB_DIR": "e1"},
        'aws s3 cp "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE" - | gzip -cd',
        '(aws s3 ls s3://$BUCKET/$SUB_DIR/metadata/ ||:) | sed -ne "s#.* \\(.*\\)#metadata/\\1#p"',
        "s3://company-backup/backup1/e1",
    ),
    "gcp": (
        {"BUCKET": "company-backup/backup1", "SUB_DIR": "e1"},
        '# what stands there\'s read\ngsutil -q cp "gs://$BUCKET/$SUB_DIR/$FILE_HANDLE" - | gzip -cd',
        "(gsutil -q ls gs://$BUCKET/$SUB_DIR/metadata/ ||:) \\\n| sed -ne 's#gs://.*/metadata/#metadata/#p'",
        "gs://company-backup/backup1/e1",
    ),
    "azure": (
        {"ACCOUNT": "companybackup", "CONTAINER": "backup-1", "SUB_DIR": "e1", "SAS": "?sig=SECRETSECRET"},
        'azcopy cp --from-to BlobPipe "https://$ACCOUNT.blob.core.windows.net/$CONTAINER/$SUB_DIR/$FILE_HANDLE$SAS" '
        "< /dev/null | gzip -cd",
        '(azcopy ls "https://$ACCOUNT.blob.core.windows.net/$CONTAINER/$SUB_DIR/metadata/$SAS" ||:) | cat',
        "abfss://backup-1@companybackup.dfs.core.windows.net/e1",
    ),
    "local": (
        {"FOLDER": "/data/backup one"},
        'cat "$FOLDER/$FILE_HANDLE" | gzip -cd',
        'cd "$FOLDER" && (test -d metadata && cd metadata && ls -1 || exec) | while read f; do echo metadata/$f; done',
        "/data/backup one",
    ),
}


def write_config(path: Path, settings: dict[str, str], read: str, listing: str, **more: object) -> str:
    commands = dict.fromkeys(("create_backup", "create_for_write", "save_metadata_line"), "exit 1")
    commands |= {"open_for_read": read, "list_metadata_files": listing}
    env_vars = [{"key": key, "value": value} for key, value in settings.items()]
    path.write_text(yaml.safe_dump({"env_vars": env_vars, "commands": commands, **more}), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", SAMPLES)
def test_configurations_of_the_published_shapes_are_read_back(name: str, tmp_path: Path) -> None:
    settings, read, listing, url = SAMPLES[name]
    assert place_of(write_config(tmp_path / "a.yaml", settings, read, listing)) == url


def test_a_place_that_only_the_lease_store_tells_is_that_one(tmp_path: Path) -> None:
    ours = {"lease_store": "https://account.blob.core.windows.net/box/x"}
    path = write_config(tmp_path / "a.yaml", {}, 'my-tool get "$FILE_HANDLE"', "my-tool list", seamline=ours)
    assert place_of(path) == "abfss://box@account.dfs.core.windows.net/x"


@pytest.mark.parametrize(
    ("settings", "read", "listing"),
    [
        ({}, 'my-tool get "$FILE_HANDLE"', "my-tool list"),
        ({"SAS": "?sig=SECRETSECRET"}, 'aws s3 cp "s3://$UNKNOWN/$FILE_HANDLE$SAS" -', "x"),
        ({"B": "one"}, 'aws s3 cp "s3://$B/$FILE_HANDLE" - || aws s3 cp "s3://two/$FILE_HANDLE" -', "x"),
        ({"B": "one"}, 'aws s3 cp "s3://$B/$FILE_HANDLE" -', "aws s3 ls s3://other/metadata/"),
        ({}, "unclosed 'quote $FILE_HANDLE", "x"),
        ({"B": "bad bucket!"}, 'aws s3 cp "s3://$B/$FILE_HANDLE" -', "x"),
        ({"SAS": "?sig=SECRETSECRET"}, 'azcopy cp "https://a.example.com/x/$FILE_HANDLE$SAS"', "x"),
    ],
)
def test_what_can_t_be_read_back_says_how_to_name_it_by_hand(
    settings: dict[str, str], read: str, listing: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError) as refusal:
        place_of(write_config(tmp_path / "a.yaml", settings, read, listing))
    assert "lease_store" in refusal.value.hint
    assert "SECRET" not in refusal.value.message + refusal.value.hint


def test_a_file_that_names_two_places_is_refused(tmp_path: Path) -> None:
    settings, read, listing, _ = SAMPLES["s3"]
    path = write_config(tmp_path / "a.yaml", settings, read, listing, seamline={"lease_store": "s3://other/e1"})
    with pytest.raises(SeamlineError, match="two places"):
        place_of(path)


@pytest.mark.parametrize("location", ["/srv/store", "s3://bucket/x", "gs://bucket/x", PLACES["azure"][0]])
@pytest.mark.parametrize("zipped", [True, False])
def test_no_known_hazard_is_in_what_is_written(location: str, zipped: bool) -> None:
    config = parse_config(adapter_text(location, zipped=zipped).encode())
    assert lint(config) == ()


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (adapter_samples.S3, "s3://my-bucket/chain/e1"),
        (adapter_samples.GCS, "gs://my-bucket/chain/e1"),
        (adapter_samples.AZURE.replace("my-account", "account"), "abfss://box@account.dfs.core.windows.net/e1"),
        (adapter_samples.FOLDER, "/srv/backup"),
        (adapter_samples.CLEAN_GCS, "gs://my-bucket/chain"),
        (adapter_samples.CLEAN_FOLDER, "/srv/backup"),
    ],
)
def test_the_sample_configurations_are_read_back(text: str, url: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    assert place_of(str(tmp_path / "a.yaml")) == url


def test_a_place_with_control_characters_is_not_printed(tmp_path: Path) -> None:
    path = write_config(tmp_path / "a.yaml", {"D": "/srv/\x1b]52;c;x\x07"}, 'cat "$D/$FILE_HANDLE"', "x")
    with pytest.raises(UsageError, match="control character"):
        place_of(path)
