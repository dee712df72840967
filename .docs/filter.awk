# What Doxygen reads in place of a public header. A name that has no comment of its own is told by
# what stands beside it: the getter of a setting by its setter, and a member that a concept asks for
# by the concept, which says once what every sink, log, transport and operation does. The version's
# inline namespace is left out, for Doxygen 1.9.4 does not parse `namespace cloudflare::inline v0`.

{
    gsub(/::inline v0/, "")
    if (match($0, /\/\/\/< .*/)) # or the next comment would be taken for the rest of this one
        $0 = substr($0, 1, RSTART - 1) "/**< " substr($0, RSTART + 5) " */"
}

function tell(what) { line = line "/** " what " */ " }
function as(concept) { tell("As the concept `" concept "` says.") }

FNR == 1 && /^\/\/\// { print "/// @file" } # else Doxygen gives the header's comment to the first namespace
{ line = "" }
# Specializations of others' templates: Doxygen asks for their first definition.
/^struct (boost|std|fmt)::/ { skips = !/;$/; $0 = "" }
/^template <>$/ { $0 = "" }
/^inline constexpr bool is_printed</ { $0 = "" }
skips { skips = !/^};/; $0 = "" }
previous !~ /\/\/\/|^ *template/ || previous ~ /\/\/\/</ { commentless() }
previous ~ /^ *template/ && before !~ /\/\/\// { template_commentless() }
{ before = previous; previous = $0; print line $0 }

# A setter, e.g. `    issue_options& watch(std::chrono::seconds span)`.
/^ *(class|struct) / { split("", setters) }
match($0, /^ +[a-z_:]+& [a-z_]+\([^)]/) {
    name = $0
    sub(/^ +[a-z_:]+& /, "", name)
    sub(/\(.*/, "", name)
    setters[name] = 1
}

function commentless() {
    if ($0 ~ /^ +\[\[nodiscard\]\] .* [a-z_]+\(\) const/) {
        name = $0
        sub(/\(\) const.*/, "", name)
        sub(/.* /, "", name)
        if (name in setters) return tell("As set by `" name "(value)`, or the default.")
    }
    if (/ operator<<\(std::ostream& /) return tell("Prints a value or its name in one line; a secret as `[redacted]`.")
    if (/ to_string\(/) return tell("Its name, or a few words for it.")
    if (FILENAME ~ /_operations\.hpp$/) {
        if (/^ +using result_type =|^ +static constexpr [a-z:_]+ (name|method|idempotency) =|> target\(\) const|std::string body\(\) const/)
            return as("operation")
        return
    }
    if (/ (prepare|store)\((access::)?intent const&| (find|forget)\(std::string_view (key|token_id)\)|<(access::)?held_token>>+ list\(\)/)
        return as("secret_sink")
    if (/ rewrite\(std::string_view token_id/) return as("rewritable_sink")
    if (/ (insert|update|erase)\((access::)?intent const&|<(access::)?intent>>+ list\(\)/)
        return as("intent_log")
    if (/ send\(http::request const&|> sleep_until\(time_point|time_point now\(\) const/)
        return as("transport")
    if (/^ +using (iterator_(category|concept)|value_type|difference_type|pointer|reference) =|^ +[^=]* operator(\*|\+\+)\((int)?\) (const )?noexcept/)
        return tell("As the standard's iterators.")
}
function template_commentless() {
    if (/^ +using task =/) tell("What a call gives: the coroutine type of its transport or client.")
}
