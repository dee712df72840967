/// What can be wrong with a transport: none of it is, where nothing is set.
#pragma once

namespace tests {

struct defects {
    // How it reads.
    bool needs_final_line_whole = false;    ///< the last line of chunks must not come in two pieces
    bool unbounded_trailers = false;        ///< trailer fields have no bound
    bool unbounded_extensions = false;      ///< chunk sizes and their extensions have no bound
    bool unbounded_informational = false;   ///< informational responses have no bound
    bool merges_trailers = false;           ///< trailer fields become header fields
    bool takes_lower_case = false;          ///< `http/1.1` is HTTP
    bool needs_blank_behind_status = false; ///< `HTTP/1.1 201` is not
    bool passes_over_101 = false;           ///< a change of protocol is an informational response
    bool refuses_folds = false;             ///< a folded line is malformed
    bool waits_for_length_of_304 = false;   ///< a 304 has a body where it has a length
    bool takes_length_over_chunks = false;  ///< a length counts before a transfer coding
    bool takes_first_length = false;        ///< of two lengths the first counts
    bool takes_signs = false;               ///< `+2` is a length
    bool half_is_whole = false; ///< at the deadline a body without a length is whole as it is
    bool hides_coding = false;  ///< `Content-Encoding` is not told

    // Which connection it uses.
    bool takes_leftover = false;           ///< bytes behind a response begin the next one
    bool trusts_young_connections = false; ///< what is used again at once is not looked at
    bool looks_at_last_only = false;       ///< only the connection used last is looked at
    bool ignores_unread_tls = false;  ///< bytes that TLS has taken in already are not looked at
    bool pool_without_host = false;   ///< connections are kept by port
    bool pool_without_scheme = false; ///< connections are kept by host and port
    bool loses_wake_ups = false;      ///< a call that fails wakes nobody that waits

    // Whom it trusts, and what it says in the handshake.
    bool takes_common_name = false;       ///< a common name is a host's name
    bool takes_partial_wildcards = false; ///< `api*.` stands for `api1.`
    bool takes_any_usage = false;         ///< a certificate for clients will do
    bool takes_missing_issuers = false;   ///< a certificate whose issuer is unknown will do
    bool checks_no_address = false;       ///< where the host is an address, no name is checked
    bool keeps_dot = false;               ///< a dot behind the host is part of its name
    bool says_address = false;            ///< an address is sent as server name

    // What it says of failures.
    bool calls_lost_handshakes_tls_failed = false;
    bool calls_alerts_connection_lost = false;
    bool calls_lost_bodies_not_sent = false; ///< what was not written whole was not sent
    bool throws_numbers = false;             ///< a lost connection is an exception that is a number

    // When it ends.
    bool waits_for_look_ups = false;     ///< a look-up has no deadline
    bool waits_for_each_byte = false;    ///< in the handshake the time begins anew with each byte
    bool sends_later = false;            ///< what was not sent is sent 100 ms later
    bool goes_on_when_cancelled = false; ///< a cancelled call is told so, and is sent to its end
    bool sleeps_not = false;
    bool sleeps_for_ever = false;
    bool sleeps_half = false;
    bool sleeps_on_when_cancelled = false;
    bool sends_after_cancelled_sleep = false;
    bool now_is_slow = false;          ///< it advances at half the speed
    bool now_is_another_clock = false; ///< it is an hour ahead

    // Calls together.
    bool swaps_responses = false;
    bool cancels_all = false;
    bool cancels_neighbour = false;

    bool leaks_descriptors = false;
    bool breaks_addresses = false; ///< an IPv6 address is sent without its brackets
};

} // namespace tests
