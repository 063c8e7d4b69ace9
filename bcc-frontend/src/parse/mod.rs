//! Facts about the user's text, from libclang's cursors and tokens. Changes nothing.
