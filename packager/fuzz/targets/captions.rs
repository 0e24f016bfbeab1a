//! Fuzzes the reader of caption files.

#![cfg_attr(fuzzing, no_main)]

kinora_packager_fuzz::program!(kinora_packager_fuzz::targets::CAPTIONS);
