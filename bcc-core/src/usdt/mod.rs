//! Statically defined probes of user programs: notes, arguments, semaphores.
