//! Where bytes come from.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::{fs::FileExt, net::UnixStream},
};

use kinora_plan::source_protocol::{ANSWER_LEN, MAX_LENGTH, READ_FAILED, encode_request};

pub(super) enum Transport {
    Socket(UnixStream),
    File(File),
}

impl Transport {
    /// Exactly `length` bytes from `offset`, which the source is known to have. At most
    /// [`MAX_LENGTH`] at once.
    pub(super) fn read_exact(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        debug_assert!(length as u64 <= MAX_LENGTH, "callers ask for blocks");
        match self {
            Self::Socket(socket) => request(socket, offset, length),
            Self::File(file) => {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, offset)?;
                Ok(bytes)
            }
        }
    }
}

fn request(socket: &mut UnixStream, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    socket.write_all(&encode_request(offset, length as u64))?;
    let mut answer = [0; ANSWER_LEN];
    socket.read_exact(&mut answer)?;
    let answer = i64::from_le_bytes(answer);
    match usize::try_from(answer) {
        Ok(answered) if answered == length => {
            let mut bytes = vec![0; length];
            socket.read_exact(&mut bytes)?;
            Ok(bytes)
        }
        Ok(answered) => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            format!("{answered} of {length} bytes at offset {offset}"),
        )),
        Err(_) if answer == READ_FAILED => {
            Err(io::Error::other("the worker could not read the source"))
        }
        Err(_) => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the worker refused {length} bytes at offset {offset} ({answer})"),
        )),
    }
}
