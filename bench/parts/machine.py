# SPDX-License-Identifier: MIT
"""The machine that the numbers belong to."""
import os
import platform
import re
import shutil
import sqlite3
import subprocess

from parts import common


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        found = re.search(r"^(?:model name|Hardware|Model)\s*:\s*(.+)$", f.read(), re.M)
    return found.group(1) if found else platform.machine()


def file_system(folder):
    done = subprocess.run(["stat", "-f", "-c", "%T", folder], capture_output=True, text=True,
                          check=True)
    return done.stdout.strip()


def version_of(*command):
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().split("\n")[0]


def memory_gib():
    with open("/proc/meminfo", encoding="ascii") as f:
        return round(int(f.readline().split()[1]) / 2**20)


def describe(bench):
    sync = common.sync_times(bench.folder, 0.5)
    return {
        "cpu": cpu_model(), "cores": os.cpu_count(), "memory_gib": memory_gib(),
        "kernel": platform.release(), "file_system": file_system(bench.folder),
        "sync_us": [round(common.median(sync)), round(common.quantile(sync, 0.99))],
        "load_before": os.getloadavg()[0],
        "sqlite": sqlite3.sqlite_version,
        "pylon": version_of(os.environ["PYLON"], "version"),
    }


def text(bench):
    m = bench.raw["machine"]
    lines = [
        f"{m['cpu']}, {m['cores']} cores, {m['memory_gib']} GiB; Linux {m['kernel']}; "
        f"{m['file_system']}, fdatasync of 4 KiB {m['sync_us'][0]} us (p99 {m['sync_us'][1]} us); "
        f"SQLite {m['sqlite']}; load before {m['load_before']:.1f}.",
        f"{m['pylon']}, release build; load generator and server on the same machine."]
    if bench.disturbed:
        lines.append(f"{bench.disturbed} measurements were repeated because the disk had slowed down "
                     f"to a {common.DISK_SLOW}th.")
    if bench.quick:
        lines.append("A quick run: one short round, for trying the benchmark itself.")
    return "\n".join(lines)
