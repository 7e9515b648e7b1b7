"""A session by libpq itself, which sends parameters apart from the statement as applications do; psycopg2 writes them into it."""

import ctypes

_libpq = ctypes.CDLL("libpq.so.5")
for _name, _result, _arguments in (("PQconnectdb", ctypes.c_void_p, [ctypes.c_char_p]), ("PQfinish", None, [ctypes.c_void_p]),
                                   ("PQexecParams", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p,
                                                                      ctypes.POINTER(ctypes.c_char_p), ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]),
                                   ("PQresultErrorField", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int]), ("PQclear", None, [ctypes.c_void_p]),
                                   ("PQresultVerboseErrorMessage", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
                                   ("PQresultStatus", ctypes.c_int, [ctypes.c_void_p]), ("PQntuples", ctypes.c_int, [ctypes.c_void_p]),
                                   ("PQnfields", ctypes.c_int, [ctypes.c_void_p]), ("PQbackendPID", ctypes.c_int, [ctypes.c_void_p]),
                                   ("PQstatus", ctypes.c_int, [ctypes.c_void_p]), ("PQerrorMessage", ctypes.c_char_p, [ctypes.c_void_p]),
                                   ("PQgetvalue", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]), ("PQfreemem", None, [ctypes.c_void_p])):
    getattr(_libpq, _name).restype, getattr(_libpq, _name).argtypes = _result, _arguments


class Failure(Exception):
    """An error of the server, with all that it said."""

    def __init__(self, sqlstate, text):
        super().__init__(text)
        self.sqlstate = sqlstate


class Session:
    def __init__(self, **settings):
        words = " ".join("%s='%s'" % (name, str(text).replace("\\", "\\\\").replace("'", "\\'")) for name, text in settings.items())
        self._handle = _libpq.PQconnectdb(words.encode())
        if _libpq.PQstatus(self._handle) != 0:
            raise Failure("08001", _libpq.PQerrorMessage(self._handle).decode())
        self.pid = _libpq.PQbackendPID(self._handle)

    def run(self, statement, *parameters):
        """Rows of texts."""
        texts = (ctypes.c_char_p * max(len(parameters), 1))(*[None if each is None else str(each).encode() for each in parameters])
        result = _libpq.PQexecParams(self._handle, statement.encode(), len(parameters), None, texts, None, None, 0)
        try:
            sqlstate = _libpq.PQresultErrorField(result, ord("C"))
            if sqlstate is not None:
                message = _libpq.PQresultVerboseErrorMessage(result, 2, 2)
                text = ctypes.string_at(message).decode(errors="replace")
                _libpq.PQfreemem(message)
                raise Failure(sqlstate.decode(), text)
            return [[_libpq.PQgetvalue(result, row, column).decode() for column in range(_libpq.PQnfields(result))]
                    for row in range(_libpq.PQntuples(result))]
        finally:
            _libpq.PQclear(result)

    def close(self):
        _libpq.PQfinish(self._handle)
