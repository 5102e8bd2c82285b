//! Messages that are too long are cut while they are read: the library keeps in memory whatever the
//! broker hands out, and the broker counts messages and not bytes. What was cut is one byte longer
//! than any that is read, so that whoever reads it says that it is too long. When all that the library
//! holds is too much, whatever else comes is emptied, and the connection is of no more use.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Type, channel and size of a frame (AMQP 0-9-1, section 4.2.3); one byte ends it.
const HEAD: usize = 7;
const END: u64 = 1;
const CONTENT_HEADER: u8 = 2;
const CONTENT_BODY: u8 = 3;
/// Class, weight and body size, with which the payload of a content header begins.
const SIZES: usize = 12;
const CHUNK: usize = 16 << 10;

/// What the library may hold of a connection's messages.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// Of one message; what is longer is cut to it.
    body_bytes_max: u64,
    bytes_max: u64,
    bytes: AtomicU64,
    is_full: AtomicBool,
}

impl Allowance {
    pub fn of(body_bytes_max: u64, bytes_max: u64) -> Allowance {
        Allowance {
            body_bytes_max,
            bytes_max,
            bytes: AtomicU64::new(0),
            is_full: AtomicBool::new(false),
        }
    }

    /// Whether more has come than it may allowance: the messages after that are empty.
    pub fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Acquire)
    }

    /// So much of a body has been taken from the library.
    pub fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes as u64, Ordering::AcqRel);
    }

    /// How much is kept of a body of this length.
    fn keep(&self, whole: u64) -> u64 {
        let kept = whole.min(self.body_bytes_max);
        if self.is_full() || self.bytes.load(Ordering::Acquire) + kept > self.bytes_max {
            self.is_full.store(true, Ordering::Release);
            return 0;
        }
        self.bytes.fetch_add(kept, Ordering::AcqRel);
        kept
    }
}

/// A connection of which no message is longer than this.
pub(crate) struct Trimmed<S> {
    inner: S,
    trim: Trim,
    chunk: Box<[u8]>,
    out: Vec<u8>,
    given: usize,
}

impl<S> Trimmed<S> {
    pub fn to(allowance: Arc<Allowance>, inner: S) -> Trimmed<S> {
        let trim = Trim::to(allowance);
        Trimmed { inner, trim, chunk: vec![0; CHUNK].into(), out: Vec::new(), given: 0 }
    }
}

/// What is still to come of a body that is cut.
struct Cut {
    kept: u64,
    whole: u64,
}

struct Trim {
    allowance: Arc<Allowance>,
    /// A frame's head, and the sizes of a content header, as far as they have come.
    head: Vec<u8>,
    /// Of the frame in hand, in this order.
    pass: u64,
    drop: u64,
    end: u64,
    cuts: HashMap<u16, Cut>,
}

impl Trim {
    fn to(allowance: Arc<Allowance>) -> Trim {
        Trim { allowance, head: Vec::new(), pass: 0, drop: 0, end: 0, cuts: HashMap::new() }
    }

    fn through(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while !bytes.is_empty() {
            for (left, is_kept) in
                [(&mut self.pass, true), (&mut self.drop, false), (&mut self.end, true)]
            {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                let (now, rest) = bytes.split_at(count);
                if is_kept {
                    out.extend_from_slice(now);
                }
                *left -= count as u64;
                bytes = rest;
            }
            if self.pass + self.drop + self.end > 0 {
                continue;
            }
            let wanted = match self.head.first() {
                Some(&CONTENT_HEADER) => HEAD + SIZES,
                _ => HEAD,
            };
            let (now, rest) = bytes.split_at((wanted - self.head.len()).min(bytes.len()));
            self.head.extend_from_slice(now);
            bytes = rest;
            // The first byte says how much is wanted.
            let is_header = self.head.first() == Some(&CONTENT_HEADER);
            if self.head.len() >= if is_header { HEAD + SIZES } else { HEAD } {
                self.begin(out);
            }
        }
    }

    /// A frame whose head is known.
    fn begin(&mut self, out: &mut Vec<u8>) {
        let mut head = std::mem::take(&mut self.head);
        let channel = u16::from_be_bytes([head[1], head[2]]);
        let size = u64::from(u32::from_be_bytes([head[3], head[4], head[5], head[6]]));
        match head[0] {
            CONTENT_HEADER => {
                let mut whole = [0; 8];
                whole.copy_from_slice(&head[HEAD + 4..]);
                let whole = u64::from_be_bytes(whole);
                self.cuts.remove(&channel);
                let kept = self.allowance.keep(whole);
                if kept < whole {
                    head[HEAD + 4..].copy_from_slice(&kept.to_be_bytes());
                    self.cuts.insert(channel, Cut { kept, whole });
                }
                self.pass = (size + END).saturating_sub(SIZES as u64);
            }
            CONTENT_BODY => {
                let kept = match self.cuts.get_mut(&channel) {
                    None => size,
                    Some(cut) => {
                        let kept = size.min(cut.kept);
                        cut.kept -= kept;
                        cut.whole = cut.whole.saturating_sub(size);
                        kept
                    }
                };
                if self.cuts.get(&channel).is_some_and(|cut| cut.whole == 0) {
                    self.cuts.remove(&channel);
                }
                if kept == 0 && size > 0 {
                    self.drop = size + END;
                    return;
                }
                head[3..HEAD]
                    .copy_from_slice(&u32::try_from(kept).unwrap_or(u32::MAX).to_be_bytes());
                (self.pass, self.drop, self.end) = (kept, size - kept, END);
            }
            _ => self.pass = size + END,
        }
        out.extend_from_slice(&head);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Trimmed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let own = self.get_mut();
        while own.given == own.out.len() {
            own.out.clear();
            own.given = 0;
            let mut chunk = ReadBuf::new(&mut own.chunk);
            ready!(Pin::new(&mut own.inner).poll_read(context, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            own.trim.through(chunk.filled(), &mut own.out);
        }
        let rest = &own.out[own.given..];
        let count = rest.len().min(into.remaining());
        into.put_slice(&rest[..count]);
        own.given += count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Trimmed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 10;

    fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
        let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind][..], &channel.to_be_bytes(), &size, payload, &[0xCE]].concat()
    }

    /// A message's frames after its method, its body in pieces of so many bytes.
    fn message(channel: u16, body: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let size = (body.len() as u64).to_be_bytes();
        let head = frame(2, channel, &[&[0, 60, 0, 0][..], &size, &[0, 0]].concat());
        let pieces = body.chunks(piece.max(1)).map(|piece| frame(3, channel, piece));
        std::iter::once(head).chain(pieces).collect()
    }

    /// The bodies that a reader sees on each of two channels.
    fn read(mut bytes: &[u8]) -> [Vec<Vec<u8>>; 2] {
        let mut found: [Vec<Vec<u8>>; 2] = Default::default();
        let mut left = [0; 2];
        while !bytes.is_empty() {
            let size = u32::from_be_bytes(bytes[3..7].try_into().unwrap()) as usize;
            let (channel, payload) = (usize::from(bytes[2]), &bytes[7..7 + size]);
            assert_eq!(bytes[7 + size], 0xCE);
            match bytes[0] {
                2 => {
                    assert_eq!(left[channel], 0, "a body was not whole");
                    left[channel] = u64::from_be_bytes(payload[4..12].try_into().unwrap());
                    found[channel].push(Vec::new());
                }
                3 => {
                    left[channel] = left[channel].checked_sub(size as u64).unwrap();
                    found[channel].last_mut().unwrap().extend_from_slice(payload);
                }
                _ => assert_eq!(payload, b"method"),
            }
            bytes = &bytes[8 + size..];
        }
        assert_eq!(left, [0; 2]);
        found
    }

    proptest! {
        #[test]
        fn what_is_too_long_is_cut_and_everything_else_is_as_it_was(
            sizes in prop::collection::vec((0_usize..40, 1_usize..15), 1..12),
            mixed in prop::collection::vec(any::<bool>(), 60),
            step in 1_usize..50,
        ) {
            let mut sent: [Vec<Vec<u8>>; 2] = Default::default();
            let mut frames: [std::collections::VecDeque<Vec<u8>>; 2] = Default::default();
            for (number, (size, piece)) in sizes.into_iter().enumerate() {
                let body: Vec<u8> = (0..size).map(|at| (number * 41 + at) as u8).collect();
                let channel = number % 2;
                frames[channel].push_back(frame(1, channel as u16, b"method"));
                frames[channel].extend(message(channel as u16, &body, piece));
                sent[channel].push(body[..size.min(MAX)].to_vec());
            }
            let (mut bytes, mut choice) = (Vec::new(), mixed.into_iter().cycle());
            while frames.iter().any(|it| !it.is_empty()) {
                let channel = usize::from(choice.next().unwrap());
                let channel = if frames[channel].is_empty() { 1 - channel } else { channel };
                bytes.extend(frames[channel].pop_front().unwrap());
            }
            let mut trim = Trim::to(Arc::new(Allowance::of(MAX as u64, u64::MAX)));
            let mut out = Vec::new();
            bytes.chunks(step).for_each(|chunk| trim.through(chunk, &mut out));
            prop_assert_eq!(read(&out), sent);
            prop_assert!(trim.cuts.is_empty());
        }
    }

    #[test]
    fn when_all_is_too_much_what_follows_is_emptied_until_the_end() {
        let allowance = Arc::new(Allowance::of(8, 20));
        let mut trim = Trim::to(Arc::clone(&allowance));
        let mut through = |body: &[u8]| {
            let mut out = Vec::new();
            message(1, body, 3).iter().for_each(|frame| trim.through(frame, &mut out));
            read(&out)[1][0].len()
        };
        assert_eq!([through(&[1; 9]), through(&[1; 8])], [8, 8]);
        allowance.release(8);
        assert_eq!((through(&[1; 12]), allowance.is_full()), (8, false));
        assert_eq!((through(&[1; 5]), allowance.is_full()), (0, true));
        allowance.release(16);
        assert_eq!(through(&[1]), 0);
    }

    #[test]
    fn what_is_no_frame_goes_through() {
        let mut out = Vec::new();
        Trim::to(Arc::new(Allowance::of(1, 1))).through(b"AMQP\0\0\x09\x01", &mut out);
        assert_eq!(out, b"AMQP\0\0\x09\x01");
    }
}
