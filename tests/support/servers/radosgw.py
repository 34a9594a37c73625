"""Ceph's S3, as Debian packages it: one monitor, one store in memory and one gateway, in processes of their own.

`python -m tests.support.servers.radosgw FOLDER` prints the gateway's port, and serves until it is killed; its processes
end with it. The folder holds what they write.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final
from uuid import uuid4

from tests.support.servers.kinds import SECRET

#: Seconds after which a step is tried again, and how often: a command that comes before the monitor may wait for ever.
_PATIENCE: Final = 30
_TRIES: Final = 4


def main(folder: Path) -> None:
    """Start everything, print the port, wait for ever."""
    monitor, gateway = _free_port(), _free_port()
    cluster, disk = str(uuid4()), str(uuid4())
    address = f"[v1:127.0.0.1:{monitor}]"
    config = folder / "ceph.conf"
    config.write_text(_config(folder, cluster, address, gateway))
    (folder / "mon").mkdir()
    (folder / "osd").mkdir()
    keys, map_of_monitors = str(folder / "keyring"), str(folder / "monmap")
    here = ("-c", str(config))
    _run("ceph-authtool", "--create-keyring", keys, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    _run("monmaptool", "--create", "--addv", "a", address, "--fsid", cluster, map_of_monitors)
    _run("ceph-mon", "--mkfs", "-i", "a", *here, "--monmap", map_of_monitors, "--keyring", keys)
    started = [_start("ceph-mon", "-f", "-i", "a", *here)]
    _run("ceph", *here, "osd", "new", disk)
    _run("ceph-osd", "-i", "0", *here, "--mkfs", "--osd-uuid", disk)
    started.append(_start_lasting("ceph-osd", "-f", "-i", "0", *here))
    user = ("--uid", "seamline", "--display-name", "seamline", "--access-key", "AKIATEST", "--secret-key", SECRET)
    _run("radosgw-admin", *here, "user", "create", *user)
    started.append(_start("radosgw", "-f", *here, "-n", "client.rgw"))
    _await(gateway)
    print(gateway, flush=True)
    for process in started:
        process.wait()


def _config(folder: Path, cluster: str, address: str, gateway: int) -> str:
    return f"""[global]
fsid = {cluster}
mon_host = {address}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 2000
osd_objectstore = memstore
memstore_device_bytes = 2147483648
mon_data = {folder}/mon
osd_data = {folder}/osd
run_dir = {folder}
admin_socket =
pid_file =
log_file = {folder}/$name.log
ms_bind_ipv6 = false
rgw_frontends = beast endpoint=127.0.0.1:{gateway}
"""


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port: int = listening.getsockname()[1]
        return port


def _run(*words: str) -> None:
    for tried in range(_TRIES):
        try:
            subprocess.run(words, check=True, capture_output=True, timeout=_PATIENCE)
            return
        except subprocess.TimeoutExpired:
            if tried == _TRIES - 1:
                raise


def _start(*words: str) -> subprocess.Popen[bytes]:
    """A process that the kernel ends when this one ends, however that comes."""
    quiet = subprocess.DEVNULL
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *words], stdout=quiet, stderr=quiet)


def _start_lasting(*words: str) -> subprocess.Popen[bytes]:
    """One that may end at once, before the monitor has told it which cluster it is of."""
    for _ in range(_TRIES):
        process = _start(*words)
        try:
            process.wait(timeout=3)
        except subprocess.TimeoutExpired:
            return process
    raise SystemExit(f"{words[0]} does not stay")


def _await(port: int) -> None:
    for _ in range(10 * _TRIES * _PATIENCE):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
