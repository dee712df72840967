// What the process is: neither dumped nor read by others.
#pragma once

// Forbids core dumps, which would hold secrets, and that another process of the same user reads this one's memory.
void protect_memory();
