"""gdb's printers for the types of cloudflare-access. Secrets are printed as [redacted].

In gdb or in ~/.gdbinit:  source PREFIX/share/cloudflare-access/gdb/cloudflare_access.py
"""

import datetime
import re

import gdb
import gdb.printing

REDACTED = "[redacted]"
NAMESPACE = r"cloudflare::(v\d+::)?"


def member(value, name):
    """A data member by its name, also of a base class or an unnamed union; None where there is none."""
    for field in value.type.strip_typedefs().fields():
        if field.name == name and not field.is_base_class:
            return value[field]
        if field.is_base_class or not field.name:
            found = member(value[field], name)
            if found is not None:
                return found
    return None


def contents(string):
    """The bytes of a std::string of libstdc++; None of another one."""
    data, size = member(string, "_M_dataplus"), member(string, "_M_string_length")
    if data is None or size is None:
        return None
    data = data["_M_p"]
    if int(size) == 0:
        return b""
    return bytes(gdb.selected_inferior().read_memory(int(data), int(size)))


def text(string):
    """A std::string; of another library as its printers show it."""
    read = contents(string)
    if read is None:
        return string.format_string(raw=False).strip('"')
    return read.decode("utf-8", "replace")


class Redacted:
    """Of a secret, of credentials, or of bytes that may hold one: nothing."""

    def __init__(self, value):
        pass

    def to_string(self):
        return REDACTED


class Headers:
    """The names of the fields; the values may be credentials."""

    def __init__(self, value):
        self.block = value["block_"]

    def to_string(self):
        block = contents(self.block)
        if block is None:
            return REDACTED
        names = re.findall(rb"(?:^|\n)([^:\r\n]*):", block)
        return "{" + ", ".join(n.decode("ascii", "replace") + ": " + REDACTED for n in names) + "}"


class Timestamp:
    """RFC 3339."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        seconds = int(self.value["seconds_"]["__d"]["__r"])
        nanoseconds = int(self.value["fraction_"]["__r"])
        try:
            moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
        except OverflowError:
            return "%d s since 1970" % seconds
        fraction = ("." + ("%09d" % nanoseconds).rstrip("0")) if nanoseconds else ""
        return moment.isoformat() + fraction + "Z"


class TokenDuration:
    """As it is spelled."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        return text(self.value["string_"])


class Scope:
    """account ID or zone ID"""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        name = self.value.type.strip_typedefs().name
        kind = "zone" if "zone_scope" in name else "account"
        if "any_scope" in name and not self.value["is_account_"]:
            kind = "zone"
        digits = self.value["id_"]["digits_"]["_M_elems"]
        return kind + " " + digits.format_string(raw=True).strip('"')


class Origin:
    """https://host:port"""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        parts = member(self.value["parts_"], "_M_ptr").dereference()
        return ("https://" if parts["secure"] else "http://") + text(parts["authority"])


class Error:
    """The code's name, and what is known besides."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        number = int(member(self.value["code_"]["d1_"] if has(self.value["code_"], "d1_")
                            else self.value["code_"], "val_"))
        if number == 0:
            return "no error"
        namespace = re.match(NAMESPACE, self.value.type.strip_typedefs().name).group()
        code = gdb.Value(number).cast(gdb.lookup_type(namespace + "errc"))
        said = str(code).split("::")[-1]
        details = member(self.value["details_"], "_M_ptr")
        if details is None or int(details) == 0:
            return said
        details = details.dereference()
        said += ", " + str(details["delivery"]).split("::")[-1]
        if int(details["http_status"]) != 0:
            said += ", HTTP %d" % int(details["http_status"])
        explanation = text(details["explanation"])
        return said + (": " + explanation if explanation else "")


def has(value, name):
    return member(value, name) is not None


class Result:
    """The value or the error."""

    def __init__(self, value):
        variant = value["v_"]
        index = int(member(variant, "ix_"))
        storage = member(variant, "st_")
        if storage is None:
            storage = member(variant, "st1_" if index >= 0 else "st2_")
        self.is_value = abs(index) == 1
        for _ in range(abs(index)):
            storage = storage["rest_"]
        self.held = storage["first_"]
        self.is_void = str(self.held.type.strip_typedefs()).endswith("monostate")

    def to_string(self):
        if self.is_value:
            return "success" if self.is_void else "value"
        return "error"

    def children(self):
        if not (self.is_value and self.is_void):
            yield ("value" if self.is_value else "error", self.held)


def build():
    printers = gdb.printing.RegexpCollectionPrettyPrinter("cloudflare-access")

    def add(name, pattern, printer):
        printers.add_printer(name, "^" + pattern + "$", printer)

    add("secret", NAMESPACE + r"(secret|api_token|api_key|credentials)", Redacted)
    add("wiped_string", r"std::(\w+::)?basic_string<.*" + NAMESPACE + "wiping_allocator<.*",
        Redacted)
    add("sealing_key", NAMESPACE + r"access::sealing_keys?", Redacted)
    add("headers", NAMESPACE + r"http::headers", Headers)
    add("origin", NAMESPACE + r"http::origin", Origin)
    add("timestamp", NAMESPACE + r"timestamp", Timestamp)
    add("token_duration", NAMESPACE + r"token_duration", TokenDuration)
    add("scope", NAMESPACE + r"access::(account|zone|any)_scope", Scope)
    add("error", NAMESPACE + r"error", Error)
    add("result", r"boost::system::result<.*" + NAMESPACE + r"error>", Result)
    return printers


def add_printers(objfile):
    """Before those of the standard library, which would print a wiped string."""
    gdb.printing.register_pretty_printer(objfile, PRINTERS, replace=True)


PRINTERS = build()
for objfile in gdb.objfiles():
    add_printers(objfile)
gdb.events.new_objfile.connect(lambda event: add_printers(event.new_objfile))
