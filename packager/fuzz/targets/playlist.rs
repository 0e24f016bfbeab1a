//! Fuzzes the reader of HLS playlists.

#![cfg_attr(fuzzing, no_main)]

kinora_packager_fuzz::program!(kinora_packager_fuzz::targets::PLAYLIST);
