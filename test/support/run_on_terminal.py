"""Runs a program on a pseudo-terminal of its own: what comes in is typed, what it draws goes out.

usage: run_on_terminal.py ROWS COLUMNS PROGRAM [ARGUMENT ...]
"""

import fcntl
import os
import pty
import select
import struct
import sys
import termios


def main() -> int:
    rows, columns = int(sys.argv[1]), int(sys.argv[2])
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execvp(sys.argv[3], sys.argv[3:])
    sources = [0, terminal]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if terminal in ready:
            try:
                drawn = os.read(terminal, 65536)
            except OSError:
                # Linux: the other side is closed.
                drawn = b""
            if not drawn:
                break
            view = memoryview(drawn)
            while view:
                view = view[os.write(1, view) :]
        if 0 in ready:
            typed = os.read(0, 4096)
            if typed:
                os.write(terminal, typed)
            else:
                # Whoever types is gone: so is the terminal.
                sources.remove(0)
                os.close(terminal)
                break
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


sys.exit(main() & 0xFF)
