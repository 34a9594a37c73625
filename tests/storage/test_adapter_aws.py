"""The command adapter for S3 with the real AWS command line against a real server: the words are the tool's own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from core.storage import reader_for
from core.storage.adapter.text import adapter_text
from tests.support.adapters import StockAdapter
from tests.support.servers.running import Bucket
from tests.support.soaking import SOAKED

LINE = b'{"Identity":{"id":"' + b"0" * 64 + b'"}}\n'


def has_aws() -> bool:
    """Whether there is an AWS command line that knows how to make an object only if there is none."""
    if shutil.which("aws") is None:
        return False
    asked = subprocess.run(
        [
            "aws",
            "s3api",
            "put-object",
            "--bucket",
            "b",
            "--key",
            "k",
            "--if-none-match",
            "*",
            "--generate-cli-skeleton",
        ],
        capture_output=True,
        check=False,
        timeout=60,
    )
    return asked.returncode == 0


@pytest.mark.skipif(not SOAKED, reason="half a minute of a slow tool: in a soak")
@pytest.mark.skipif(not has_aws(), reason="no AWS command line of late 2024 or newer is installed")
def test_the_aws_command_line_takes_the_words_of_the_adapter(
    s3_bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    odd = Bucket(s3_bucket.address, s3_bucket.name, f"{s3_bucket.prefix}/a b/ü$HOME'%41")
    config = tmp_path / "adapter.yaml"
    config.write_text(adapter_text(odd.url, zipped=True), encoding="utf-8")
    adapter = StockAdapter(str(config), tmp_path)
    assert adapter.run("list_metadata_files").code != 0, "an empty listing is an error"
    saved = adapter.run("save_metadata_line", LINE, FILE_NAME="identity.meta")
    assert (saved.code, saved.output) == (0, b"metadata/identity.meta\n"), saved.messages
    assert adapter.run("save_metadata_line", LINE, FILE_NAME="identity.meta").code == 0
    taken = adapter.run("save_metadata_line", LINE * 2, FILE_NAME="identity.meta")
    assert (taken.code != 0, "nothing was replaced" in taken.messages) == (True, True), taken.messages
    assert adapter.listed() == ["metadata/identity.meta"]
    made = adapter.run("create_for_write", LINE * 99, BACKUP_HANDLE="epoch_ending_0-.a1b2", FILE_NAME="0-.chunk")
    assert (made.code, made.output) == (0, b"epoch_ending_0-.a1b2/0-.chunk\n"), made.messages
    assert adapter.read("epoch_ending_0-.a1b2/0-.chunk").output == LINE * 99
    moved = adapter.run("backup_metadata_file", FILE_NAME="identity.meta")
    assert moved.code == 0, moved.messages
    reader = reader_for(odd.url)
    assert [each.handle for each in reader.list_folder("metadata_backup")] == ["metadata_backup/identity.meta"]
    assert adapter.run("list_metadata_files").code != 0
