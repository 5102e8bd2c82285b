//! Counters and the health board: what an operator watches.
