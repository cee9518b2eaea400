//! What concerns all services at once: their keys and the status page.

mod keys;
mod page;
