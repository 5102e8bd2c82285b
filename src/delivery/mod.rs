//! One letter to one force endpoint. Empty until notices exist.
