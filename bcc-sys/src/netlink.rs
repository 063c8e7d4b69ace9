//! Link and traffic control messages.
