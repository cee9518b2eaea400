//! The receiver: its requests, the results of receive and settle calls, and its effect on the emulated service.

mod emulator;
mod examples;
mod receive;
mod settle;
mod wire;
