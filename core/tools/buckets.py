"""The provider's own tool for a store in a bucket: the commands that findings advise there.

Content is inflated if it is gzip, and passed through if it is not. Copies are made on the condition that the new name
is free, before the old one is deleted.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from core.phrases import command, quoted
from core.storage.objects.location import Location, Provider

#: Stock reaches a bucket through an adapter alone, whose name only the operator knows.
_INFLATE: Final = " | gzip -cdf"
#: What Google's tools take for a pattern.
_PATTERNS: Final = frozenset("*?[]#")


@dataclass(frozen=True, slots=True)
class BucketTools(ABC):
    """What all providers have in common; a key is a handle seen from the top of the bucket."""

    place: Location

    @abstractmethod
    def listing(self, folder: str) -> str:
        """List a folder ("" for the top) with times and sizes."""

    @abstractmethod
    def dated(self, handle: str) -> str:
        """Show when a file was written, to the second."""

    @abstractmethod
    def path(self, handle: str) -> str:
        """Where a handle lies, as the provider's tool names it; not quoted."""

    @abstractmethod
    def _read(self, handle: str) -> str:
        """Print a file as it is."""

    @abstractmethod
    def _fetch(self, handle: str, file: str) -> str:
        """Make a local file of an object, as it is."""

    @abstractmethod
    def _put(self, file: str, handle: str) -> str:
        """Make an object of a local file, only if there is none."""

    @abstractmethod
    def _drop(self, handle: str) -> str:
        """Delete an object."""

    @property
    def storage(self) -> tuple[str, ...]:
        """A configuration, as `seamline adapter` writes it."""
        return ("--command-adapter-config", "ADAPTER.yaml")

    def look_at(self, handle: str, line: int) -> str:
        """Through cat -v."""
        one = f" | {command('sed', '-n', f'{line}p')}" if line else ""
        return f"{self._read(handle)}{_INFLATE}{one} | cat -v"

    def set_aside(self, handles: Sequence[str], folder: str) -> str:
        """Buckets have no folders that must be made."""
        return self._moved(handles, folder)

    def folders_aside(self, handles: Sequence[str], folder: str) -> str:
        """A folder is what keys have in common, or an object whose name ends in a slash: only a listing tells which."""
        return " && ".join(self.listing(handle) for handle in handles)

    def bring_back(self, handles: Sequence[str], folder: str) -> str:
        """The same, the other way round."""
        return self._moved(handles, folder)

    def mounted_at(self, folders: Sequence[str]) -> str:
        """Nothing is mounted."""
        return ""

    def difference(self, one: str, other: str) -> str:
        """As diff tells it, of both as they are read."""
        sides = (f"<({self._read(handle)}{_INFLATE})" for handle in (one, other))
        return f"diff {' '.join(sides)}"

    def put_line(self, line: str, name: str, *, zipped: bool) -> str:
        """By way of a file in the current folder."""
        write = command("printf", "%s\\n", line) + (" | gzip -nc" if zipped else "")
        return f"{write} > {quoted(f'./{name}')} && {self._put(f'./{name}', f'metadata/{name}')}"

    def _moved(self, handles: Sequence[str], folder: str) -> str:
        """By way of files in the current folder, which stay there."""
        return " && ".join(step for handle in handles for step in self._move(handle, folder))

    def _move(self, handle: str, folder: str) -> Sequence[str]:
        name = handle.rpartition("/")[2]
        return self._fetch(handle, f"./{name}"), self._put(f"./{name}", f"{folder}/{name}"), self._drop(handle)

    def _key(self, handle: str) -> str:
        return f"{self.place.prefix}/{handle}" if self.place.prefix else handle

    def _folder_key(self, folder: str) -> str:
        key = self._key(folder).rstrip("/")
        return f"{key}/" if key else ""


class AwsTools(BucketTools):
    """S3, by the AWS command line."""

    __slots__ = ()

    def path(self, handle: str) -> str:
        """An s3:// URL."""
        return f"s3://{self.place.bucket}/{self._key(handle)}"

    def listing(self, folder: str) -> str:
        """As aws s3 ls tells it."""
        return command("aws", "s3", "ls", f"s3://{self.place.bucket}/{self._folder_key(folder)}")

    def dated(self, handle: str) -> str:
        """As the object's head tells it."""
        return command("aws", "s3api", "head-object", *self._object(handle))

    def _read(self, handle: str) -> str:
        return command("aws", "s3", "cp", self.path(handle), "-")

    def _fetch(self, handle: str, file: str) -> str:
        return command("aws", "s3", "cp", self.path(handle), file)

    def _drop(self, handle: str) -> str:
        return command("aws", "s3", "rm", self.path(handle))

    def _put(self, file: str, handle: str) -> str:
        return command("aws", "s3api", "put-object", *self._object(handle), "--body", file, "--if-none-match", "*")

    def _object(self, handle: str) -> Sequence[str]:
        return "--bucket", self.place.bucket, "--key", self._key(handle)


class GoogleTools(BucketTools):
    """Google Cloud Storage, by gcloud, to which a name that looks like a pattern is one."""

    __slots__ = ()

    def path(self, handle: str) -> str:
        """A gs:// URL."""
        return f"gs://{self.place.bucket}/{self._key(handle)}"

    def listing(self, folder: str) -> str:
        """As gcloud storage ls -l tells it."""
        return command("gcloud", "storage", "ls", "-l", f"gs://{self.place.bucket}/{self._folder_key(folder)}")

    def dated(self, handle: str) -> str:
        """As the object's own record tells it."""
        return command("gcloud", "storage", "objects", "describe", self.path(handle))

    def _read(self, handle: str) -> str:
        return command("gcloud", "storage", "cat", self.path(handle))

    def _moved(self, handles: Sequence[str], folder: str) -> str:
        """In one command, which copies within the storage."""
        urls = [self.path(handle) for handle in handles]
        if any(set(url) & _PATTERNS for url in urls):
            return f"move {', '.join(map(quoted, urls))} into {folder}/ on the bucket's page in Google Cloud"
        target = self.path(f"{folder}/")
        return command("gcloud", "storage", "mv", "--no-clobber", *urls, target)

    def _fetch(self, handle: str, file: str) -> str:
        return command("gcloud", "storage", "cp", self.path(handle), file)

    def _drop(self, handle: str) -> str:
        return command("gcloud", "storage", "rm", self.path(handle))

    def _put(self, file: str, handle: str) -> str:
        return command("gcloud", "storage", "cp", "--if-generation-match=0", file, self.path(handle))


class AzureTools(BucketTools):
    """Azure, by its own command line."""

    __slots__ = ()

    def path(self, handle: str) -> str:
        """A URL."""
        key = quote(self._key(handle))
        return f"https://{self.place.account}.blob.core.windows.net/{self.place.bucket}/{key}"

    def listing(self, folder: str) -> str:
        """The blobs and the folders right below."""
        words = ("--prefix", self._folder_key(folder), "--delimiter", "/", "--num-results", "*", "--output", "table")
        return self._blob("list", "--container-name", self.place.bucket, *words)

    def dated(self, handle: str) -> str:
        """As the blob's properties tell it."""
        return self._blob("show", *self._named(handle), "--query", "properties.lastModified")

    def _read(self, handle: str) -> str:
        # Without a file to write to, it prints.
        return self._blob("download", *self._named(handle), "--no-progress", "--output", "none")

    def _fetch(self, handle: str, file: str) -> str:
        return self._blob("download", *self._named(handle), "--file", file, "--output", "none")

    def _drop(self, handle: str) -> str:
        return self._blob("delete", *self._named(handle))

    def _put(self, file: str, handle: str) -> str:
        return self._blob("upload", *self._named(handle), "--file", file, "--overwrite", "false")

    def _blob(self, *words: str) -> str:
        return command("az", "storage", "blob", *words, "--account-name", self.place.account)

    def _named(self, handle: str) -> Sequence[str]:
        return "--container-name", self.place.bucket, "--name", self._key(handle)


_TOOLS: Final[Mapping[Provider, Callable[[Location], BucketTools]]] = {
    Provider.S3: AwsTools,
    Provider.GCS: GoogleTools,
    Provider.AZURE: AzureTools,
}


def bucket_tools(place: Location) -> BucketTools:
    """The tool of the provider of a place."""
    return _TOOLS[place.provider](place)
