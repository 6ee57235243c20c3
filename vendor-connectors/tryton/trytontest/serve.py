"""Runs trytond with a clock that can be set off: usage serve.py TRYTOND CONFIG OFFSET.

OFFSET is a file with the seconds by which the database's clock, and that of the
server's answers, differ from the machine's.
"""
import datetime
import http.server
import runpy
import sys

trytond, conf, offset = sys.argv[1:4]


def clock():
    with open(offset) as file:
        return datetime.datetime.now() + datetime.timedelta(seconds=float(file.read() or 0))


from trytond.config import config  # noqa: E402

config.update_etc(conf)

from trytond.backend.sqlite import database  # noqa: E402
from trytond.transaction import Transaction  # noqa: E402


def now():
    transaction = Transaction()
    return database._nows.setdefault(transaction, {}).setdefault(transaction.started_at, clock().isoformat(' ', 'microseconds'))


open_file = database.sqlite.connect


def connect(*args, **kwargs):
    connection = open_file(*args, **kwargs)
    connection.execute('PRAGMA synchronous = OFF')  # these books do not outlive the test
    return connection


database.now = now
database.sqlite.connect = connect
said = http.server.BaseHTTPRequestHandler.date_time_string
http.server.BaseHTTPRequestHandler.date_time_string = lambda self, timestamp=None: said(self, clock().timestamp())
sys.argv = [trytond, '-c', conf]
runpy.run_path(trytond, run_name='__main__')
