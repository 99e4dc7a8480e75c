//! The floor by io_uring: what the other floor does, without a system call for each read and write.
//!
//! One ring: a multishot accept, a multishot receive for each connection into buffers that all share, and the sends of a turn
//! submitted together by the call that waits for the next. Linux 6.1 or later.
//!
//! ```text
//! kernel  --completions-->  answers  --sends, buffers given back-->  kernel
//! ```
//!
//! Unsafe, because the kernel reads and writes memory that the compiler knows nothing of. What keeps it sound:
//! - a buffer of [`Buffers`] is the kernel's from when it is given until the completion that names it, and ours until it is given back;
//! - what a send points to stays where it is until its completion: `sending` is not touched meanwhile, and a connection is not dropped.
//!
//! Usage: `floor-uring PORT REPLY`, where REPLY may hold `\r` and `\n` as escapes.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::{BufRingEntry, Fd};
use io_uring::{IoUring, cqueue, opcode, squeue};
use rustix::io::Errno;

#[path = "../framing.rs"]
mod framing;

use framing::Answers;

const SUBMISSIONS: u32 = 1024;
const COMPLETIONS: u32 = 4096;
/// A power of two.
const BUFFERS: u16 = 256;
const BUFFER_BYTES: usize = 4096;
const PAGE_BYTES: usize = 4096;
const GROUP: u16 = 0;

/// What a completion is of; receives and sends add the connection's index.
const ACCEPT: u64 = 0;
const RECEIVE: u64 = 1 << 32;
const SEND: u64 = 2 << 32;
const INDEX: u64 = u32::MAX as u64;

struct Connection {
    stream: TcpStream,
    answers: Answers,
    /// What the kernel is sending; empty when it is not.
    sending: Vec<u8>,
    /// Nothing more will come; it is dropped when nothing is being sent.
    ended: bool,
}

fn main() -> io::Result<()> {
    let (port, mut replies) = framing::arguments("floor-uring PORT REPLY")?;
    let reply = replies.pop().unwrap_or_default();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let mut floor = Floor::new(reply)?;
    floor.push(opcode::AcceptMulti::new(Fd(listener.as_raw_fd())).build())?;
    let mut completions = Vec::new();
    loop {
        match floor.ring.submit_and_wait(1) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            submitted => submitted?,
        };
        completions.extend(floor.ring.completion());
        for completion in completions.drain(..) {
            floor.handle(&completion)?;
        }
        floor.buffers.publish();
    }
}

struct Floor {
    ring: IoUring,
    buffers: Buffers,
    connections: Vec<Option<Connection>>,
    reply: Vec<u8>,
}

impl Floor {
    fn new(reply: Vec<u8>) -> io::Result<Floor> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_coop_taskrun()
            .setup_submit_all()
            .setup_cqsize(COMPLETIONS)
            .build(SUBMISSIONS)?;
        let buffers = Buffers::register(&ring)?;
        Ok(Floor {
            ring,
            buffers,
            connections: Vec::new(),
            reply,
        })
    }

    fn push(&mut self, entry: squeue::Entry) -> io::Result<()> {
        loop {
            // SAFETY: what an entry points to outlives its completion; see the top.
            if unsafe { self.ring.submission().push(&entry) }.is_ok() {
                return Ok(());
            }
            self.ring.submit()?;
        }
    }

    fn handle(&mut self, completion: &cqueue::Entry) -> io::Result<()> {
        let index = (completion.user_data() & INDEX) as usize;
        match completion.user_data() & !INDEX {
            ACCEPT => self.accepted(completion),
            RECEIVE => self.received(index, completion),
            _ => self.sent(index, completion.result()),
        }
    }

    fn accepted(&mut self, completion: &cqueue::Entry) -> io::Result<()> {
        let result = completion.result();
        if result < 0 {
            return Err(io::Error::from_raw_os_error(-result));
        }
        // SAFETY: the kernel has just made this descriptor for us.
        let stream = unsafe { TcpStream::from_raw_fd(result) };
        stream.set_nodelay(true)?;
        self.connections.push(Some(Connection {
            stream,
            answers: Answers::default(),
            sending: Vec::new(),
            ended: false,
        }));
        self.receive(self.connections.len() - 1)
    }

    fn receive(&mut self, index: usize) -> io::Result<()> {
        let Some(connection) = &self.connections[index] else {
            return Ok(());
        };
        let receive = opcode::RecvMulti::new(Fd(connection.stream.as_raw_fd()), GROUP);
        self.push(receive.build().user_data(RECEIVE | index as u64))
    }

    fn received(&mut self, index: usize, completion: &cqueue::Entry) -> io::Result<()> {
        let result = completion.result();
        let buffer = cqueue::buffer_select(completion.flags());
        if let (Some(buffer), Some(connection)) = (buffer, &mut self.connections[index]) {
            let bytes = self.buffers.bytes(buffer, result.max(0) as usize);
            connection.ended |= connection.answers.take(bytes, &self.reply).is_err();
        }
        if let Some(buffer) = buffer {
            self.buffers.give(buffer);
        }
        let Some(connection) = &mut self.connections[index] else {
            return Ok(());
        };
        // Without a free buffer a receive ends, and begins again when the kernel has them back.
        let lacks_buffers = result == -Errno::NOBUFS.raw_os_error();
        connection.ended |= result <= 0 && !lacks_buffers;
        if !connection.ended && !cqueue::more(completion.flags()) {
            self.receive(index)?;
        }
        self.send(index)
    }

    /// Sends what there is, unless something is being sent.
    fn send(&mut self, index: usize) -> io::Result<()> {
        let Some(connection) = &mut self.connections[index] else {
            return Ok(());
        };
        if !connection.sending.is_empty() {
            return Ok(());
        }
        if connection.ended {
            self.connections[index] = None;
            return Ok(());
        }
        std::mem::swap(&mut connection.sending, &mut connection.answers.output);
        self.submit_send(index)
    }

    fn submit_send(&mut self, index: usize) -> io::Result<()> {
        let Some(connection) = &self.connections[index] else {
            return Ok(());
        };
        let bytes = &connection.sending;
        if bytes.is_empty() {
            return Ok(());
        }
        let fd = Fd(connection.stream.as_raw_fd());
        let send = opcode::Send::new(fd, bytes.as_ptr(), bytes.len() as u32);
        self.push(send.build().user_data(SEND | index as u64))
    }

    fn sent(&mut self, index: usize, result: i32) -> io::Result<()> {
        let Some(connection) = &mut self.connections[index] else {
            return Ok(());
        };
        match usize::try_from(result) {
            Ok(sent) if sent < connection.sending.len() => {
                connection.sending.drain(..sent);
                return self.submit_send(index);
            }
            sent => {
                connection.ended |= sent.is_err();
                connection.sending.clear();
            }
        }
        self.send(index)
    }
}

/// Buffers that the kernel takes from as it receives, and the ring by which it is given them.
struct Buffers {
    entries: NonNull<BufRingEntry>,
    memory: NonNull<u8>,
    tail: u16,
}

impl Buffers {
    fn register(ring: &IoUring) -> io::Result<Buffers> {
        let mut buffers = Buffers {
            entries: pages(usize::from(BUFFERS) * size_of::<BufRingEntry>())?.cast(),
            memory: pages(usize::from(BUFFERS) * BUFFER_BYTES)?,
            tail: 0,
        };
        let address = buffers.entries.as_ptr() as u64;
        // SAFETY: the pages are never freed.
        unsafe {
            ring.submitter()
                .register_buf_ring_with_flags(address, BUFFERS, GROUP, 0)?;
        }
        (0..BUFFERS).for_each(|buffer| buffers.give(buffer));
        buffers.publish();
        Ok(buffers)
    }

    /// What a completion says is in a buffer.
    fn bytes(&self, buffer: u16, length: usize) -> &[u8] {
        assert!(buffer < BUFFERS && length <= BUFFER_BYTES);
        let at = usize::from(buffer) * BUFFER_BYTES;
        // SAFETY: within the pages, and ours until it is given back, which takes `&mut self`.
        unsafe { std::slice::from_raw_parts(self.memory.add(at).as_ptr(), length) }
    }

    /// Gives a buffer to the kernel, which sees it when that is published.
    fn give(&mut self, buffer: u16) {
        let at = usize::from(buffer) * BUFFER_BYTES;
        let slot = usize::from(self.tail % BUFFERS);
        // SAFETY: within the pages; the kernel does not look behind the published tail.
        unsafe {
            let entry = self.entries.add(slot).as_mut();
            entry.set_addr(self.memory.add(at).as_ptr() as u64);
            entry.set_len(BUFFER_BYTES as u32);
            entry.set_bid(buffer);
        }
        self.tail = self.tail.wrapping_add(1);
    }

    fn publish(&self) {
        // SAFETY: the tail lies within the first entry, and is shared with the kernel as an atomic.
        let tail = unsafe { &*BufRingEntry::tail(self.entries.as_ptr()).cast::<AtomicU16>() };
        tail.store(self.tail, Ordering::Release);
    }
}

/// Zeroed pages that live as long as the process.
fn pages(bytes: usize) -> io::Result<NonNull<u8>> {
    let layout = Layout::from_size_align(bytes, PAGE_BYTES).map_err(io::Error::other)?;
    // SAFETY: no caller asks for nothing.
    let memory = unsafe { alloc_zeroed(layout) };
    Ok(NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout)))
}
