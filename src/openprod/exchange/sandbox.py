"""Takes from the reading process, on Linux, all but memory and the pipes it has: no files, no sockets, no programs.

A seccomp filter put in by ctypes, as Python has no call for it. A call that is not on the list fails with EPERM; one of
another architecture ends the process. Must not know formats. Where the system has no such filter the limits of `worker`
are all there is.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
_LOAD, _JUMP_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _MACHINE_AT = 0, 4
_ALLOW, _DENY, _KILL = 0x7FFF_0000, 0x0005_0000 | 1, 0x8000_0000

# What reading a file needs once it is here: the pipes, memory, signals and threads of its own, time, chance, the end.
_NAMES = (
    "read", "write", "close", "fstat", "lseek", "mmap", "mprotect", "munmap", "brk", "mremap", "madvise",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "sched_yield", "getpid", "gettid", "futex",
    "clock_gettime", "getrandom", "restart_syscall", "rseq", "exit", "exit_group",
)  # fmt: skip
_MACHINES: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (
        0xC000_003E,
        (0, 1, 3, 5, 8, 9, 10, 11, 12, 25, 28, 13, 14, 15, 131, 24, 39, 186, 202, 228, 318, 219, 334, 60, 231),
    ),
    "aarch64": (
        0xC000_00B7,
        (
            63, 64, 57, 80, 62, 222, 226, 215, 214, 216, 233, 134, 135, 139, 132, 124, 172, 178, 98, 113, 278, 128, 293,
            93, 94,
        ),
    ),
}  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def is_known() -> bool:
    """Tells whether this system is one on which the filter can be put in."""
    return sys.platform == "linux" and os.uname().machine in _MACHINES


def seal() -> bool:
    """Puts the filter in for good; returns False where the system has none, and nothing is changed."""
    if not is_known():
        return False
    code = _program(os.uname().machine)
    held = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(held, ctypes.c_void_p))
    try:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return False
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0


def _program(machine: str) -> bytes:
    """Returns the filter as the kernel takes it: eight bytes an instruction."""
    architecture, numbers = _MACHINES[machine]
    assert len(numbers) == len(_NAMES)
    lines = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for number in numbers:
        lines += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    lines.append((_RETURN, 0, 0, _DENY))
    return b"".join(struct.pack("=HBBI", *one) for one in lines)
