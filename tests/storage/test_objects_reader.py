"""Looking at a store in a bucket: only what is there, all of it, or an error in words."""

from __future__ import annotations

import asyncio
import gzip
import io
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from core.errors import StoreUnreachable
from core.storage.objects.client import PATIENT, Patience, open_client
from core.storage.objects.content import LARGE
from core.storage.objects.location import parse_location
from core.storage.objects.reader import ObjectReader
from core.storage.protocol import HandleUnreadable, ListedKind, ReadFault
from tests.support.servers.kinds import AZURE, AZURE_KEY, GCS, KINDS, S3, SECRET, Kind
from tests.support.servers.running import Bucket, running
from tests.support.soaking import SOAKED

HASTY = Patience(connect=1, silence=1, request=1, retries=1, retrying=1)


def reader_of(url: str, patience: Patience = PATIENT, **options: int) -> ObjectReader:
    location = parse_location(url)
    return ObjectReader(location, open_client(location, os.environ, patience), **options)


def kinds(reader: ObjectReader, folder: str) -> dict[str, ListedKind]:
    return {each.handle: each.kind for each in reader.list_folder(folder)}


# Listing.


def test_only_direct_children_are_listed_and_folders_stand_for_what_lies_deeper(bucket: Bucket) -> None:
    for key in ("metadata/b.meta", "metadata/a.meta", "metadata/old/x.meta", "metadata/old/y/z.meta", "metadatax/c"):
        bucket.put(key, b"x")
    for key in ("transaction_0-.abcd/transaction.manifest", "README"):
        bucket.put(key, b"x")
    reader = reader_of(bucket.url)
    file, folder = ListedKind.FILE, ListedKind.FOLDER
    assert kinds(reader, "metadata") == {"metadata/a.meta": file, "metadata/b.meta": file, "metadata/old": folder}
    top = {"README": file, "metadata": folder, "metadatax": folder, "transaction_0-.abcd": folder}
    assert kinds(reader, "") == top
    assert kinds(reader, "metadata_backup") == {}


def test_placeholders_of_folders_are_no_files_and_empty_files_are(bucket: Bucket) -> None:
    for key in ("metadata/", "metadata/old/", "metadata/empty.meta"):
        bucket.put(key, b"")
    found = {"metadata/empty.meta": ListedKind.FILE, "metadata/old/": ListedKind.FOLDER}
    # Azure's client leaves out the mark of the very folder that is listed.
    own = {} if bucket.kind is AZURE else {"metadata/": ListedKind.FOLDER}
    assert kinds(reader_of(bucket.url), "metadata") == found | own


def test_an_object_with_content_whose_name_ends_in_a_slash_is_listed_and_told_to_be_unreadable(bucket: Bucket) -> None:
    bucket.put("metadata/a.meta/", b"hidden")
    reader = reader_of(bucket.url)
    assert [(each.handle, each.size) for each in reader.list_folder("metadata")] == [("metadata/a.meta", 6)]
    (content,) = reader.read_many("metadata", ["a.meta"], 10)
    assert isinstance(content, HandleUnreadable)
    assert content.fault is ReadFault.MISSING


def test_a_folder_that_holds_nothing_but_its_own_mark_is_there(bucket: Bucket) -> None:
    bucket.put("metadata/", b"")
    assert [each for each in reader_of(bucket.url).list_folder("metadata") if each.kind is ListedKind.FILE] == []


def test_odd_keys_are_listed_and_read_as_they_are(bucket: Bucket) -> None:
    names = ["a b%41+#.meta", "a%2Fb%00.meta", "~t*'()!&=.meta", "ü\u202e.meta", '{}[]^`|<>".meta']
    for name in names:
        bucket.put(f"metadata/{name}", name.encode())
    reader = reader_of(bucket.url)
    listed = [each.name for each in reader.list_folder("metadata")]
    assert sorted(listed) == sorted(names)
    assert list(reader.read_many("metadata", listed, 1_000)) == [name.encode() for name in listed]


@pytest.mark.parametrize("key", ["metadata/a//b", "metadata/./b", "metadata/../b", "metadata/a\x01b"])
def test_a_listing_with_a_key_that_is_no_path_is_an_error_and_not_a_shorter_one(bucket: Bucket, key: str) -> None:
    bucket.put("metadata/a.meta", b"x")
    bucket.put(key, b"x")
    with pytest.raises(StoreUnreachable, match="metadata can't be listed: ") as caught:
        reader_of(bucket.url, HASTY).list_folder("metadata")
    if not (bucket.kind is AZURE and "\x01" in key):
        # The server that stands for Azure can't tell such a key itself.
        assert "a key there is no path" in caught.value.message
        assert "rename" in caught.value.hint


def test_more_names_than_a_page_are_all_listed_and_not_more_than_are_allowed(bucket: Bucket) -> None:
    # A page of Azure is larger: that takes a while.
    page = 5_000 if bucket.kind is AZURE and SOAKED else 1_000
    names = [f"metadata/transaction_{number}-{number}.meta" for number in range(page + 10)]
    client = open_client(parse_location(bucket.url), os.environ).client
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: client.put(name, b"x", use_multipart=False), names))
    assert {each.handle for each in reader_of(bucket.url).list_folder("metadata")} == set(names)
    with pytest.raises(StoreUnreachable, match="more than 1,000 names"):
        reader_of(bucket.url, max_names=1_000).list_folder("metadata")


def test_a_prefix_without_metadata_is_no_store(bucket: Bucket) -> None:
    bucket.put("metadatas/x", b"")
    with pytest.raises(StoreUnreachable, match=rf"nothing lies below \S*{bucket.prefix}/metadata/"):
        reader_of(bucket.url).list_folder("metadata")


def test_a_prefix_may_hold_odd_letters(bucket: Bucket) -> None:
    odd = bucket.below("a b%41+ü")
    odd.put("metadata/a.meta", b"x")
    reader = reader_of(odd.url)
    assert [each.handle for each in reader.list_folder("metadata")] == ["metadata/a.meta"]
    assert list(reader.read_many("metadata", ["a.meta"], 10)) == [b"x"]


# Reading.


def test_contents_come_in_the_order_that_was_asked_for_with_what_is_missing_told(bucket: Bucket) -> None:
    contents = {f"{number:03}": b"%d" % number * number for number in range(150)}
    contents["large"] = os.urandom(LARGE + 1)
    contents["zipped"] = gzip.compress(b"x")
    for name, content in contents.items():
        bucket.put(f"metadata/{name}", content)
    asked = ["large", *sorted(contents, reverse=True), "missing", "../x", "large"]
    got = list(reader_of(bucket.url, workers=8).read_many("metadata", asked, LARGE * 2))
    for name, content in zip(asked, got, strict=True):
        if isinstance(content, HandleUnreadable):
            assert content.fault is {"missing": ReadFault.MISSING, "../x": ReadFault.REFUSED}[name]
        else:
            assert content == contents[name]


def test_reading_can_be_left_in_the_middle(bucket: Bucket) -> None:
    for number in range(20):
        bucket.put(f"metadata/{number}", b"x")
    contents = reader_of(bucket.url, workers=4).read_many("metadata", map(str, range(20)), 10)
    assert next(contents) == b"x"
    contents.close()  # type: ignore[attr-defined]


def test_what_is_larger_than_the_limit_is_not_read(bucket: Bucket) -> None:
    bucket.put("metadata/a", b"x" * 11)
    reader = reader_of(bucket.url)
    (content,) = reader.read_many("metadata", ["a"], 10)
    assert isinstance(content, HandleUnreadable)
    assert content.fault is ReadFault.TOO_LARGE
    with pytest.raises(HandleUnreadable, match="larger than the 10 bytes"):
        asyncio.run(reader.read("metadata/a", 10))
    assert asyncio.run(reader.read("metadata/a", 11)) == b"x" * 11


def test_a_listed_file_and_the_same_file_looked_at_are_equal(bucket: Bucket) -> None:
    bucket.put("metadata/a", b"xyz")
    reader = reader_of(bucket.url)
    assert reader.list_folder("metadata") == [reader.stat("metadata/a")]
    assert reader.stat("metadata/a").size == 3
    with pytest.raises(HandleUnreadable, match="No such file"):
        reader.stat("metadata/b")


def test_a_large_object_is_a_stream_that_can_be_sought_in(bucket: Bucket) -> None:
    content = os.urandom(5_000_000)
    bucket.put("x/1-.chunk", content)
    with reader_of(bucket.url).open("x/1-.chunk") as stream:
        assert stream.read(10) == content[:10]
        assert stream.seek(-5, io.SEEK_END) == len(content) - 5
        assert stream.read() == content[-5:]
        stream.seek(3_000_000)
        assert stream.read(1_000_000) == content[3_000_000:4_000_000]
        stream.seek(0)
        assert stream.read() == content


def test_an_object_written_anew_while_it_is_read_is_never_a_mixture(bucket: Bucket) -> None:
    bucket.put("x/1-.chunk", b"a" * 5_000_000)
    with reader_of(bucket.url).open("x/1-.chunk") as stream:
        assert stream.read(10) == b"a" * 10
        bucket.put("x/1-.chunk", b"b" * 5_000_000)
        stream.seek(4_900_000)
        with pytest.raises(OSError, match="written anew while it was read"):
            stream.read(10)


# What goes wrong.


def refused(url: str, patience: Patience = PATIENT) -> StoreUnreachable:
    with pytest.raises(StoreUnreachable) as caught:
        reader_of(url, patience).list_folder("metadata")
    text = f"{caught.value.message} {caught.value.hint}"
    for never in (SECRET, AZURE_KEY, "AKIATEST", "SECRET-BODY", "Debug source", "RetryError", "<"):
        assert never not in text
    assert caught.value.hint
    assert caught.value.exit_code == 20
    return caught.value


def led_to(kind: Kind, address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a store on a server that is spoken to as to a provider; the environment leads there."""
    for name, value in kind.variables(address).items():
        monkeypatch.setenv(name, value)
    return kind.url("backups", "x")


def test_a_missing_bucket_is_told(bucket: Bucket) -> None:
    assert re.search("there is no such (bucket|container)", refused(bucket.of("no-such-bucket").url).message)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("401", "the credentials .*are not accepted"),
        ("403", r"access is denied \(403 Odd\)"),
        ("404", r"the storage refuses the request \(404 Odd\)"),
        ("429", "the storage asks for fewer requests"),
        ("500", r"the storage fails \(500"),
        ("503", "the storage asks for fewer requests"),
    ],
)
def test_what_a_server_answers_is_told_in_words(
    kind: Kind, status: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running("careless_s3", status) as address:
        assert re.search(words, refused(led_to(kind, address, monkeypatch), HASTY).message)


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        (S3, "400:ExpiredToken", "have expired; get fresh ones"),
        (S3, "403:RequestTimeTooSkewed", "clock is wrong; set the clock"),
        (S3, "400:AuthorizationHeaderMalformed", "in another region; set AWS_REGION"),
        (S3, "301:PermanentRedirect", "in another region; set AWS_REGION"),
        (S3, "503:SlowDown", "asks for fewer requests .*SlowDown.*wait a while"),
        (GCS, "403:AccessDenied", "access is denied .*roles/storage.objectViewer"),
        (GCS, "400:UserProjectMissing", "makes whoever asks pay"),
        (GCS, "401:AuthenticationRequired", "have expired, or are not accepted; run gcloud auth"),
        (AZURE, "404:ContainerNotFound", "there is no such container; check the names"),
        (AZURE, "403:AuthenticationFailed", "not accepted, or has expired; check that AZURE_STORAGE_ACCOUNT_KEY"),
        (AZURE, "403:AuthorizationPermissionMismatch", "access is denied; .*Storage Blob Data Reader"),
        (AZURE, "403:AccountIsDisabled", "the account is disabled"),
        (AZURE, "403:KeyBasedAuthenticationNotPermitted", "takes no keys; sign in instead"),
        (AZURE, "401:InvalidAuthenticationInfo", "not accepted, or has expired"),
        (AZURE, "409:PublicAccessNotPermitted", "not public; set AZURE_STORAGE_ACCOUNT_KEY"),
        (AZURE, "503:ServerBusy", "asks for fewer requests .*ServerBusy.*wait a while"),
    ],
)
def test_the_codes_of_each_provider_are_told_in_words_with_what_to_do(
    kind: Kind, answer: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running("careless_s3", answer) as address:
        unreachable = refused(led_to(kind, address, monkeypatch), HASTY)
    assert re.search(words, f"{unreachable.message}; {unreachable.hint}")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_server_that_is_not_there_is_told(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "nothing answers there" in refused(led_to(kind, "http://127.0.0.1:9", monkeypatch)).message


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_server_whose_name_is_not_known_is_told(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "name is not known" in refused(led_to(kind, "http://no-such-server.invalid", monkeypatch), HASTY).message


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_silent_server_is_not_waited_for_longer_than_is_said(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    with running("careless_s3", "silent") as address:
        url = led_to(kind, address, monkeypatch)
        began = time.monotonic()
        hasty = Patience(connect=0.5, silence=0.5, request=30, retries=1, retrying=1)
        assert "no answer came in time" in refused(url, hasty).message
        assert time.monotonic() - began < 10


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_answer_that_breaks_off_is_told_and_never_a_shorter_listing(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running("careless_s3", "half") as address:
        assert "the answer broke off" in refused(led_to(kind, address, monkeypatch), HASTY).message


def test_missing_credentials_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("careless_s3", "403") as address:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"AWS_ALLOW_HTTP": "true", "AWS_METADATA_ENDPOINT": address, "AWS_REGION": "x"}.items():
            monkeypatch.setenv(name, value)
        unreachable = refused("s3://backups/x")
    assert "no credentials were found" in unreachable.message
    assert "AWS_ACCESS_KEY_ID" in unreachable.hint


def test_a_public_bucket_needs_no_credentials(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    public = bucket.of(f"public-{uuid4().hex}")
    public.kind.make_public(public.address, public.name)
    public.put("metadata/a.meta", b"x")
    for name in bucket.kind.secrets:
        monkeypatch.delenv(name)
    monkeypatch.setenv(bucket.kind.anonymous, "true")
    reader = reader_of(public.url)
    assert [each.name for each in reader.list_folder("metadata")] == ["a.meta"]
    assert list(reader.read_many("metadata", ["a.meta"], 10)) == [b"x"]
