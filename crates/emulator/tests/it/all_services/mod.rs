//! What concerns all services at once: their keys and the status page.

mod byte_order_mark;
mod control;
mod keys;
mod page;
mod reload;
mod shutdown;
