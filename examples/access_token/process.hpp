// What the process is: neither dumped nor read by others.
#pragma once

// Forbids core dumps, which would hold secrets, and that another process of the same user reads this one's memory.
void protect_memory();

// Opens those of stdin, stdout and stderr that are closed, so that no other file takes their numbers and is written to. A
// stdout that was closed cannot be written to.
void keep_standard_streams();
