"""What an operator types for a store in a bucket: understood as meant, or refused with the words that mend it."""

from __future__ import annotations

import pytest

from core.errors import UsageError
from core.storage import identity_of, is_command_adapter
from core.storage.objects_client import open_client
from core.storage.objects_location import Location, Provider, is_object_location, parse_location

TAKEN = {
    "s3://my-bucket": Location(Provider.S3, "my-bucket", "", "s3://my-bucket"),
    "s3://my-bucket/": Location(Provider.S3, "my-bucket", "", "s3://my-bucket/"),
    "S3://b.c-d/e/f g/": Location(Provider.S3, "b.c-d", "e/f g", "S3://b.c-d/e/f g/"),
    "gs://bucket_1/x": Location(Provider.GCS, "bucket_1", "x", "gs://bucket_1/x"),
    "abfss://box@account1.dfs.core.windows.net/p/q": Location(
        Provider.AZURE, "box", "p/q", "abfss://box@account1.dfs.core.windows.net/p/q", "account1"
    ),
    "https://account1.blob.core.windows.net/box/p%20q": Location(
        Provider.AZURE, "box", "p q", "https://account1.blob.core.windows.net/box/p%20q", "account1"
    ),
}
REFUSED = {
    "s3://": "names no bucket",
    "s3:///prefix": "names no bucket",
    "s3://a/b": "can't be the name of a bucket",
    "s3://key:SECRET@bucket/b": "no user, key or port",
    "s3://bucket/a//b": "empty part",
    "s3://bucket/../b": '".." part',
    "s3a://bucket/b": "the scheme of S3 is s3",
    "gcs://bucket/b": "is gs",
    "az://x/y": "its first part would be read as the container",
    "abfss://box/x": "its first part would be read as the container",
    "abfss://box@account1.dfs.example.com/x": "names the container and the account",
    "https://bucket.s3.amazonaws.com/x": "is one of Azure",
    "https://account1.blob.core.windows.net": "names no container",
    "https://account1.blob.core.windows.net/box?sig=SECRET": "neither a query nor a fragment",
    "http://account1.blob.core.windows.net/box": "not encrypted",
}


@pytest.mark.parametrize("text", TAKEN)
def test_a_location_is_taken_apart(text: str) -> None:
    assert is_object_location(text)
    assert parse_location(text) == TAKEN[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_quite_a_location_is_refused_with_a_way_on(text: str) -> None:
    assert is_object_location(text)
    with pytest.raises(UsageError, match=REFUSED[text]) as caught:
        parse_location(text)
    assert caught.value.hint
    assert "SECRET" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("text", ["", "/s3/x", "file:///x", "C:\\x", "x.yaml", "ftp://x/y"])
def test_other_places_are_none_in_a_bucket(text: str) -> None:
    assert not is_object_location(text)


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"])
def test_a_server_without_encryption_must_be_allowed(name: str) -> None:
    with pytest.raises(UsageError, match=r"to 10\.0\.0\.1 without encryption") as caught:
        open_client(parse_location("s3://bucket/x"), {name: "http://user:SECRET@10.0.0.1:9000"})
    assert "AWS_ALLOW_HTTP=true" in caught.value.hint
    assert "SECRET" not in caught.value.message
    open_client(parse_location("s3://bucket/x"), {name: "http://10.0.0.1:9000", "AWS_ALLOW_HTTP": "True"})


@pytest.mark.parametrize("address", ["localhost:9000", "ftp://x", "https://", "http://[", "minio"])
def test_what_is_no_address_of_a_server_is_told(address: str) -> None:
    with pytest.raises(UsageError, match="AWS_ENDPOINT_URL is no address"):
        open_client(parse_location("s3://bucket/x"), {"AWS_ENDPOINT_URL": address})


@pytest.mark.parametrize("text", ["gs://bucket/x", "abfss://box@account1.dfs.core.windows.net/x"])
def test_a_provider_that_is_not_reached_yet_is_told_as_such(text: str) -> None:
    with pytest.raises(UsageError, match=r"not (gs|azure) ones"):
        open_client(parse_location(text), {})


def test_one_store_is_the_same_however_its_location_is_written() -> None:
    assert identity_of("s3://bucket/x/") == identity_of("S3://bucket/x") != identity_of("s3://bucket/X")
    azure = "abfss://box@account1.dfs.core.windows.net/p", "https://account1.blob.core.windows.net/box/p/"
    assert identity_of(azure[0]) == identity_of(azure[1])
    assert not is_command_adapter("s3://bucket/x.yaml")
