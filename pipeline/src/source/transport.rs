//! Where bytes come from.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::{fs::FileExt, net::UnixStream},
};

use kinora_plan::source_protocol::{
    ANSWER_LEN, MAX_LENGTH, MAX_TASK, NEXT_TASK, READ_FAILED, REQUEST_LEN, encode_request,
};

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

/// What the worker sends as the next task; `None` if there is none.
pub(super) fn next_task(socket: &mut UnixStream) -> io::Result<Option<Vec<u8>>> {
    match u64::try_from(ask(socket, NEXT_TASK)?) {
        Err(_) | Ok(0) => Ok(None),
        Ok(length) if length > MAX_TASK => {
            Err(io::Error::new(io::ErrorKind::InvalidData, format!("a task of {length} bytes")))
        }
        Ok(length) => {
            let mut task = vec![0; length as usize];
            socket.read_exact(&mut task)?;
            Ok(Some(task))
        }
    }
}

fn ask(socket: &mut UnixStream, request: [u8; REQUEST_LEN]) -> io::Result<i64> {
    socket.write_all(&request)?;
    let mut answer = [0; ANSWER_LEN];
    socket.read_exact(&mut answer)?;
    Ok(i64::from_le_bytes(answer))
}

fn request(socket: &mut UnixStream, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let answer = ask(socket, encode_request(offset, length as u64))?;
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
