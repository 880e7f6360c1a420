# SPDX-License-Identifier: MIT
"""The parts of tools/zone.py: what may run before a deferred flush, proved from the binary."""
