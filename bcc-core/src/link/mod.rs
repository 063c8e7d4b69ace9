//! Attachments: one link each, detached on drop.
