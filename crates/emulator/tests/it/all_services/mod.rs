//! What concerns all services at once: their keys and the status page.

mod byte_order_mark;
mod keys;
mod page;
mod shutdown;
