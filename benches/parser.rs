//! What it costs to find the arguments of requests, as they come: alone, pipelined, in pieces, and large.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use millstream::resp::{Limits, Parsed, Parser};

const LIMITS: Limits = Limits {
    bulk_bytes: 512 * 1024 * 1024,
    authenticated: true,
};
const XADD: &[u8] = b"*5\r\n$4\r\nXADD\r\n$6\r\nstream\r\n$1\r\n*\r\n$5\r\nfield\r\n\
    $32\r\n0123456789abcdef0123456789abcdef\r\n";
const PIPELINE: usize = 32;

/// Parses whole requests until the input is used up; how many bytes their arguments had.
fn parse_all(parser: &mut Parser, mut input: &[u8]) -> usize {
    let mut bytes = 0;
    while !input.is_empty() {
        let Ok(Parsed::Request { consumed }) = parser.parse(input, LIMITS) else {
            panic!("the input is whole requests");
        };
        let request = parser.request(input);
        bytes += (0..request.len())
            .map(|at| request.arg(at).len())
            .sum::<usize>();
        parser.reset();
        input = &input[consumed..];
    }
    bytes
}

/// Parses one request that arrives `piece` bytes at a time.
fn parse_in_pieces(parser: &mut Parser, input: &[u8], piece: usize) {
    let mut end = 0;
    loop {
        end = input.len().min(end + piece);
        match parser.parse(&input[..end], LIMITS) {
            Ok(Parsed::Request { .. }) => break,
            Ok(Parsed::Incomplete { .. }) => {}
            Err(error) => panic!("the input is a request: {error}"),
        }
    }
    parser.reset();
}

fn parser(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parser");
    let mut parser = Parser::default();
    group.throughput(Throughput::Elements(1));
    group.bench_function("one XADD", |bencher| {
        bencher.iter(|| parse_all(&mut parser, black_box(XADD)));
    });
    group.bench_function("one XADD in pieces of 16 bytes", |bencher| {
        bencher.iter(|| parse_in_pieces(&mut parser, black_box(XADD), 16));
    });
    group.bench_function("an inline PING", |bencher| {
        bencher.iter(|| parse_all(&mut parser, black_box(b"PING\r\n")));
    });
    group.throughput(Throughput::Elements(PIPELINE as u64));
    let pipelined = XADD.repeat(PIPELINE);
    group.bench_function("32 XADDs in a row", |bencher| {
        bencher.iter(|| parse_all(&mut parser, black_box(&pipelined)));
    });
    let many = [b"*1001\r\n".as_slice(), &b"$6\r\nmember\r\n".repeat(1001)].concat();
    group.throughput(Throughput::Elements(1001));
    group.bench_function("1,001 arguments", |bencher| {
        bencher.iter(|| parse_all(&mut parser, black_box(&many)));
    });
    group.finish();
}

criterion_group!(benches, parser);
criterion_main!(benches);
