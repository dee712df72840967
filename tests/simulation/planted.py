#!/usr/bin/env python3
"""Plants bugs in a copy of the headers, and demands that the simulation finds each of them.

All are compiled into one program, and PLANTED=n in its environment switches the n-th on.
Usage: planted.py COMPILER SOURCE_ROOT [SCHEDULES]
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile

ISSUER, SETTLEMENT = "access/issuer.hpp", "access/settlement.hpp"
RECONCILE, RECOVERY = "access/reconcile.hpp", "access/recovery.hpp"
INTENT, TOKENS = "access/intent.hpp", "access/impl/service_tokens.ipp"

# What it is; then file, what stands there, and what is to stand there: `@` is true for the bug.
BUGS = [
    ("no tag in the name", ISSUER, "if (is_tagged) params.name(", "if (is_tagged && !@) params.name("),
    ("no intent is written down", ISSUER, "        int short_waits = 0;", "        if (@) co_return result<void>();\n        int short_waits = 0;"),
    ("every issue fails", ISSUER, "        if (!token) {\n            auto failing", "        if (@) token = error(errc::server_error);\n        if (!token) {\n            auto failing"),
    ("the sink failed and success is said", ISSUER, "        if (!stored) {\n", "        if (!stored && !@) {\n"),
    ("gone_age is ignored", SETTLEMENT, "|| age(i, now_) < gone_age_)", "|| (!@ && age(i, now_) < gone_age_))"),
    ("min_age is ignored", SETTLEMENT, "               age(i, now) < options.min_age();", "               !@ && age(i, now) < options.min_age();",
     "if (age(i, now_) < tools_.options().min_age())", "if (!@ && age(i, now_) < tools_.options().min_age())"),
    ("the tag is never removed", ISSUER, "bool const names = f.is_tagged &&", "bool const names = !@ && f.is_tagged &&"),
    ("intents are never erased", RECOVERY, "return detail::as_task<Client>(log_.erase(i));", "return @ ? detail::as_task<Client>(log_.update(i)) : detail::as_task<Client>(log_.erase(i));"),
    ("the intent is erased before the secret is stored", ISSUER, "        token->name = f.wanted.name;\n", "        token->name = f.wanted.name;\n        if (@) {\n            auto early = tools_.erase(f.wanted);\n            auto const erased = co_await std::move(early);\n            static_cast<void>(erased);\n        }\n"),
    ("an issue that was given up says success", ISSUER, "if (now.state == intent_state::settled) co_return error(errc::conflict);", "if (now.state == intent_state::settled) {\n                    if (@) co_return result<void>();\n                    co_return error(errc::conflict);\n                }"),
    ("it is created again without a look", ISSUER, "        if (seen->found.empty()) {", "        if (seen->found.empty() || @) {"),
    ("an unknown create is forgotten once another succeeds", ISSUER, "        ++f.unresolved;\n        if (tools_.options().settle_window()", "        if (!@) ++f.unresolved;\n        if (tools_.options().settle_window()"),
    ("created again though the list is no proof", ISSUER, "seen->is_proven && (", "(@ || seen->is_proven) && ("),
    ("created again and again though lists show nothing", ISSUER, "f.blind_creates++ == 0", "(@ || f.blind_creates++ == 0)"),
    ("a token whose secret is lost is not deleted", ISSUER, "tools_.remove(seen->found[n].id);", "tools_.remove(@ ? std::string(\"00000000-0000-4000-a000-000000000000\") : seen->found[n].id);"),
    ("a store that failed counts as one that kept", ISSUER, "            if (stored) co_return result<void>();\n            auto finding", "            if (stored || @) co_return result<void>();\n            auto finding"),
    ("a store that failed is not asked", ISSUER, "if (*held && (*held)->token_id == token.id &&", "if (!@ && *held && (*held)->token_id == token.id &&"),
    ("the sink is not asked for the key", ISSUER, "        if (f.is_keyed) {", "        if (f.is_keyed && !@) {"),
    ("who holds the key is ignored", ISSUER, "(*inserted)->tag == f.wanted.tag)", "(*inserted)->tag == f.wanted.tag || @)"),
    ("a ban is not waited for", ISSUER, "why != errc::rate_limited ||", "@ || why != errc::rate_limited ||"),
    ("an intent is erased though a second token may come", ISSUER, "is_named && f.unresolved == 0);", "is_named && (@ || f.unresolved == 0));"),
    ("a refusal after an unknown create settles it", ISSUER, "bool const nothing_left = is_certain(why) && f.unresolved == 0;", "bool const nothing_left = is_certain(why) && (@ || f.unresolved == 0);"),
    ("a delete that failed withdraws", ISSUER, "        if (!removed) co_return removed.error();\n        auto forgetting = tools_.forget(id);", "        if (!removed && @) co_return presence::absent;\n        if (!removed) co_return removed.error();\n        auto forgetting = tools_.forget(id);"),
    ("a key is waited for without end", ISSUER, "if (is_late(f)) co_return key_is_held(holder);", "if (is_late(f) && !@) co_return key_is_held(holder);"),
    ("a holder of the key is never settled", ISSUER, "        using settler = settlement<Client, Sink, Log>;\n", "        if (@) co_return false;\n        using settler = settlement<Client, Sink, Log>;\n"),
    ("a create refused for the rate is sent at once", ISSUER, "        auto pausing = tools_.pause(*span);", "        auto pausing = tools_.pause(@ ? std::chrono::seconds(0) : *span);"),
    ("an unknown outcome counts as certain", ISSUER, "return e.delivery() == delivery::not_sent || e.delivery() == delivery::rejected;", "return @ || e.delivery() == delivery::not_sent || e.delivery() == delivery::rejected;"),
    ("deleted tokens are found again in lists that lag", ISSUER, "std::count(f.deleted.begin(), f.deleted.end(), t.id) == 0;", "(@ || std::count(f.deleted.begin(), f.deleted.end(), t.id) == 0);"),
    ("old tokens with a copied name are taken for the issue's", RECOVERY, "return t.created_at && t.created_at->plus(clock_tolerance) < i.opened_at;", "return !@ && t.created_at && t.created_at->plus(clock_tolerance) < i.opened_at;"),
    ("finish does not rename", ISSUER, "        auto naming = tools_.rename(i.token_id, i.name);\n        auto const named = co_await std::move(naming);\n        if (!named) co_return named.error();\n        if (i.until", "        auto naming = tools_.rename(i.token_id, @ ? tagged_name(i.name, i.tag) : i.name);\n        auto const named = co_await std::move(naming);\n        if (!named) co_return named.error();\n        if (i.until"),
    ("the version is relied on before it was shown", ISSUER, "is_tagged = wanted.version == 0 || !witness_is_shown;", "is_tagged = wanted.version == 0 || (!witness_is_shown && !@);"),
    ("the sink sees the tagged name", ISSUER, "token->name = f.wanted.name;", "if (!@) token->name = f.wanted.name;"),
    ("reconcile does not ask the sink", SETTLEMENT, "        if (*held) {\n            auto keeping", "        if (*held && !@) {\n            auto keeping"),
    ("a token that came late is left", SETTLEMENT, "if (id != i.token_id && !is_watched) continue;", "if (id != i.token_id && (!is_watched || @)) continue;"),
    ("reconcile leaves the tag in the name", SETTLEMENT, "if (tools_.options().keeps_tag() ||", "if (@ || tools_.options().keeps_tag() ||"),
    ("reconcile forgets which token is owned", SETTLEMENT, "        i.token_id = id;\n        i.until = watch_end();", "        i.token_id = @ ? std::string() : id;\n        i.until = watch_end();"),
    ("a list that shows nothing is proof", SETTLEMENT, "        bool const proven = listing_.complete && !listing_.tokens.empty();\n        if (!proven || ", "        bool const proven = listing_.complete && (@ || !listing_.tokens.empty());\n        if (!proven || ",
     "        bool const proven = listing_.complete && !listing_.tokens.empty();\n        if (is_watched", "        bool const proven = listing_.complete && (@ || !listing_.tokens.empty());\n        if (is_watched"),
    ("a short list is proof", TOKENS, "consistent_ && (total_count_", "(@ || consistent_) && (total_count_ && !@"),
    ("the watch ends at once", SETTLEMENT, "(now_ < i.until || !proven)", "((!@ && now_ < i.until) || !proven)"),
    ("what is given up is not deleted", SETTLEMENT, "            auto deleting = withdraw(id, done);", "            if (@) continue;\n            auto deleting = withdraw(id, done);",
     "auto ending = id == i.token_id ? name(i) : withdraw(id, done);", "if (@) continue;\n            auto ending = id == i.token_id ? name(i) : withdraw(id, done);"),
    ("what never came is erased, not watched", SETTLEMENT, "        i.state = intent_state::settled;\n        i.until = watch_end();\n        auto closing", "        i.state = intent_state::settled;\n        if (!@) i.until = watch_end();\n        auto closing"),
    ("tags in uppercase are not known", INTENT, "    return ascii_lower(a) == b;", "    return (@ ? a : ascii_lower(a)) == b;"),
    ("tags that are cut are not known", INTENT, "    if (name.size() < mark.size() + fewest_tag_digits ||", "    if (@ || name.size() < mark.size() + fewest_tag_digits ||"),
    ("a tag is known at the beginning only", INTENT, "    if (std::search(name.begin(), name.end(), tag.begin(), tag.end(), is_same_folded) != name.end())", "    if (std::search(name.begin(), @ ? name.begin() + std::min<std::ptrdiff_t>(std::ssize(name), 38) : name.end(), tag.begin(), tag.end(), is_same_folded) !=\n        (@ ? name.begin() + std::min<std::ptrdiff_t>(std::ssize(name), 38) : name.end()))"),
    ("other hosts' intents are settled by this sink", RECONCILE, "i.sink == tools_.options().sink_name()", "(@ || i.sink == tools_.options().sink_name())"),
    ("strays are not reported", RECONCILE, "if (!is_young && is_stray(t, *all)", "if (!@ && !is_young && is_stray(t, *all)"),
    ("whatever has a tag is stray", RECONCILE, "!is_young && is_stray(t, *all) && is_stray(t, before))", "(@ ? has_any_tag(t.name) : !is_young && is_stray(t, *all) && is_stray(t, before)))"),
    ("stores that fail are not called again", RECOVERY, "i == max_tries)", "i == max_tries || @)"),
    ("a cancelled issue ends where it is", RECOVERY, "            return client_.transport().shield(std::move(pending));", "            return @ ? std::move(pending) : client_.transport().shield(std::move(pending));"),
    ("a lost secret is answered by a second rotation", RECOVERY, "        auto const version = token.client_secret_version.value_or(1) + 1;", "        auto const version = token.client_secret_version.value_or(1) + (@ ? 0 : 1);"),
    ("create is sent again blindly", "access/service_token_operations.hpp", "    static constexpr auto method = http::method::post;\n    static constexpr auto idempotency = cloudflare::idempotency::once;", "    static constexpr auto method = http::method::post;\n    cloudflare::idempotency idempotency = @ ? cloudflare::idempotency::idempotent : cloudflare::idempotency::once;"),
]


def plant(root, work):
    """Copies the headers with all bugs in them."""
    include = os.path.join(work, "include")
    shutil.copytree(os.path.join(root, "include"), include)
    for number, (what, file, *edits) in enumerate(BUGS, 1):
        path = os.path.join(include, "cloudflare", file)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for old, new in zip(edits[::2], edits[1::2]):
            if old not in text:
                sys.exit(f"not planted: {what}: {file} has no {old!r}")
            text = text.replace(old, new.replace("@", f"::planted({number})"), 1)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
    with open(os.path.join(work, "planted.hpp"), "w", encoding="utf-8") as f:
        f.write(
            "#include <cstdlib>\n"
            "inline int const planted_bug = std::getenv(\"PLANTED\") ? std::atoi(std::getenv(\"PLANTED\")) : 0;\n"
            "inline bool planted(int n) { return planted_bug == n; }\n"
        )
    return include


def main():
    compiler, root = sys.argv[1].split(), sys.argv[2]
    schedules = sys.argv[3] if len(sys.argv) > 3 else "2000"
    with tempfile.TemporaryDirectory() as work:
        program = os.path.join(work, "simulate")
        subprocess.run(
            [*compiler, "-std=c++20", "-O1", "-I", plant(root, work), "-include", os.path.join(work, "planted.hpp"),
             os.path.join(root, "tests/simulation/issue.cpp"), "-o", program, "-lboost_json"],
            check=True,
        )

        def find(number):
            return subprocess.run(
                [program, schedules, "1", "first"], env={**os.environ, "PLANTED": str(number)},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
            )

        failures = 0
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for number, done in enumerate(pool.map(find, range(len(BUGS) + 1))):
                what = BUGS[number - 1][0] if number else "no bug"
                if (done.returncode != 0) != (number != 0):
                    print(f"{'SURVIVED' if number else 'WRONG'}: {what}\n{done.stdout}")
                    failures += 1
                elif number:
                    print(f"found: {what}: {done.stdout.strip().splitlines()[1].strip()}")
        print(f"{len(BUGS)} planted bugs, {failures} of them not found")
        sys.exit(failures != 0)


main()
