//! Fuzzes the reader of MP4 files.

#![cfg_attr(fuzzing, no_main)]

kinora_packager_fuzz::program!(kinora_packager_fuzz::targets::MP4);
