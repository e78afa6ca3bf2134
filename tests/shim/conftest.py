# SPDX-License-Identifier: MIT
"""Run by CTest with PYLON_SHIM and PYLON_AGENT_MOCK; by hand, the dev build is taken."""
import os
import pathlib

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build" / "dev"
os.environ.setdefault("PYLON_SHIM", str(BUILD / "pylon-shim"))
os.environ.setdefault("PYLON_AGENT_MOCK", str(BUILD / "agent-mock"))
