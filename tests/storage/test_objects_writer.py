"""Writing to a store in a bucket: the rules of every writer, and what a lost answer must not do."""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from core.errors import AlreadyThere, OutcomeUnknown, WriteFailed
from core.machine import ThisMachine
from core.storage.objects.client import Client, Connection, open_client
from core.storage.objects.location import parse_location
from core.storage.objects.reader import ObjectReader
from core.storage.objects.words import S3_WORDS
from core.storage.objects.writer import ObjectWriter
from tests.support.servers.running import Bucket
from tests.support.writer_conformance import LINE, RETIRED, STAGED, A, B, Storage, WriterConformance


@pytest.fixture
def connection(bucket: Bucket) -> Connection:
    return open_client(parse_location(bucket.url), os.environ)


@pytest.fixture
def client(connection: Connection) -> Client:
    return connection.client


@pytest.fixture
def storage(bucket: Bucket, connection: Connection) -> Storage:
    """A store that holds an empty metadata/, as consoles make one."""
    bucket.put("metadata/", b"")
    return Storage(ObjectReader(parse_location(bucket.url), connection), ObjectWriter(connection, ThisMachine()))


class TestBucket(WriterConformance):
    """A bucket of each provider."""

    def test_a_file_is_no_folder(self, storage: Storage) -> None:
        """A bucket knows no folders: one name may go on where another ends, and neither harms the other."""
        storage.writer.create(A, LINE)
        storage.writer.create(f"{A}/below", b"x")
        assert (storage.content(A), storage.content(f"{A}/below")) == (LINE, b"x")


@dataclass
class LosingAnswers:
    """A client that loses the answer to some calls, once they are carried out, or before they are sent."""

    client: Any
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.client, name)

        def losing(*arguments: Any, **options: Any) -> Any:
            if self.before.get(name, 0):
                self.before[name] -= 1
                raise OSError("lost on the way there")
            result = call(*arguments, **options)
            if self.after.get(name, 0):
                self.after[name] -= 1
                raise OSError("lost on the way back")
            return result

        return losing


class Hasty(ThisMachine):
    """This machine, but nobody waits."""

    def sleep(self, seconds: float) -> None:
        assert seconds < 10


def writer_over(client: Any) -> ObjectWriter:
    return ObjectWriter(Connection(client, S3_WORDS), Hasty())


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_to_a_put_is_resolved_by_reading_back(storage: Storage, client: Client, when: str) -> None:
    writer = writer_over(LosingAnswers(client, **{when: {"put": 1}}))
    writer.create(A, LINE)
    assert storage.content(A) == LINE


def test_equal_bytes_of_somebody_else_are_not_taken_for_our_own(storage: Storage, client: Client) -> None:
    storage.writer.create(A, LINE)
    with pytest.raises(AlreadyThere):
        writer_over(LosingAnswers(client, before={"put": 1})).create(A, LINE)


def test_what_can_be_neither_written_nor_read_back_leaves_the_outcome_open(storage: Storage, client: Client) -> None:
    with pytest.raises(OutcomeUnknown, match="not for certain"):
        writer_over(LosingAnswers(client, after={"put": 1}, before={"get": 9})).create(A, LINE)
    assert storage.content(A) == LINE


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", ["put", "delete"])
def test_a_move_goes_on_past_a_lost_answer(storage: Storage, client: Client, call: str, when: str) -> None:
    storage.writer.create(A, LINE)
    writer_over(LosingAnswers(client, **{when: {call: 1}})).move(A, RETIRED)
    assert (storage.content(A), storage.content(RETIRED)) == (None, LINE)


def test_a_move_that_was_cut_off_between_copy_and_delete_is_finished(storage: Storage) -> None:
    storage.writer.create(A, LINE)
    storage.writer.create(RETIRED, LINE)
    storage.writer.move(A, RETIRED)
    assert (storage.content(A), storage.content(RETIRED)) == (None, LINE)


def test_a_source_that_can_not_be_deleted_is_told_to_have_both_names(storage: Storage, client: Client) -> None:
    storage.writer.create(A, LINE)
    with pytest.raises(OutcomeUnknown, match="both names"):
        writer_over(LosingAnswers(client, before={"delete": 99})).move(A, RETIRED)
    assert (storage.content(A), storage.content(RETIRED)) == (LINE, LINE)


def test_a_source_written_anew_while_it_is_moved_is_not_deleted(
    storage: Storage, bucket: Bucket, client: Client
) -> None:
    storage.writer.create(A, LINE)

    @dataclass
    class Meddling(LosingAnswers):
        def put(self, *arguments: Any, **options: Any) -> Any:
            result = self.client.put(*arguments, **options)
            bucket.put(A, b"newer")
            return result

    with pytest.raises(OutcomeUnknown, match="anew"):
        writer_over(Meddling(client)).move(A, RETIRED)
    assert (storage.content(A), storage.content(RETIRED)) == (b"newer", LINE)


@pytest.mark.parametrize("when", ["before", "after"])
def test_no_step_is_lost_or_doubled_by_a_lost_answer(storage: Storage, client: Client, when: str) -> None:
    losing = LosingAnswers(client)
    writer = writer_over(losing)
    writer.append("seamline/journal/1.jsonl", b"1\n")
    setattr(losing, when, {"put": 1})
    try:
        writer.append("seamline/journal/1.jsonl", b"2\n")
    except OutcomeUnknown:
        assert when == "before"
        writer.append("seamline/journal/1.jsonl", b"2\n")
    writer.append("seamline/journal/1.jsonl", b"3\n")
    assert storage.content("seamline/journal/1.jsonl") == b"1\n2\n3\n"


def test_a_step_of_somebody_else_is_kept(storage: Storage, client: Client) -> None:
    other = writer_over(client)
    for number in range(3):
        storage.writer.append("seamline/journal/1.jsonl", b"a%d\n" % number)
        other.append("seamline/journal/1.jsonl", b"b%d\n" % number)
    assert storage.content("seamline/journal/1.jsonl") == b"a0\nb0\na1\nb1\na2\nb2\n"


def test_a_long_list_of_steps_is_sent_a_few_times_and_is_whole_once_it_is_flushed(
    storage: Storage, client: Client
) -> None:
    @dataclass
    class Counting(LosingAnswers):
        sent: list[int] = field(default_factory=list)

        def put(self, path: str, content: bytes, **options: Any) -> Any:
            self.sent.append(len(content))
            return self.client.put(path, content, **options)

    counting = Counting(client)
    writer = writer_over(counting)
    lines = [b"step %04d\n" % number for number in range(2_000)]
    for number, line in enumerate(lines):
        writer.append("seamline/journal/1.jsonl", line)
        if number == 0:
            assert storage.content("seamline/journal/1.jsonl") == line
    writer.append("seamline/journal/2.jsonl", b"other\n")
    writer.flush("seamline")
    assert storage.content("seamline/journal/1.jsonl") == b"".join(lines)
    assert storage.content("seamline/journal/2.jsonl") == b"other\n"
    assert len(counting.sent) < 80
    assert sum(counting.sent) < 12 * len(b"".join(lines))


def test_where_conditions_are_ignored_a_name_is_looked_up_before_it_is_made(
    storage: Storage, client: Client, bucket: Bucket
) -> None:
    @dataclass
    class Careless(LosingAnswers):
        def put(self, path: str, content: bytes, **_: Any) -> Any:
            return self.client.put(path, content)

    writer = ObjectWriter(Connection(Careless(client), S3_WORDS), Hasty(), keeps_conditions=False)  # type: ignore[arg-type]
    writer.create(A, LINE)
    with pytest.raises(AlreadyThere):
        writer.create(A, b"other")
    assert storage.content(A) == LINE


def test_threads_that_want_one_name_get_it_once(storage: Storage, client: Client) -> None:
    won: list[bytes] = []

    def contend(number: int) -> None:
        writer = writer_over(client)
        for file in range(10):
            try:
                writer.create(f"metadata/{file}.meta", b"%d of %d" % (file, number))
            except AlreadyThere:
                continue
            won.append(b"%d of %d" % (file, number))

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(storage.content(f"metadata/{file}.meta") or b"" for file in range(10))


def test_a_missing_bucket_is_told_and_nothing_is_in_doubt(bucket: Bucket) -> None:
    writer = ObjectWriter(open_client(parse_location(bucket.of("no-such-bucket").url), os.environ), Hasty())
    for act in (lambda: writer.create(A, LINE), lambda: writer.link(STAGED, B)):
        with pytest.raises(WriteFailed) as caught:
            act()
        assert re.search("bucket|container", f"{caught.value.message} {caught.value.hint}")
