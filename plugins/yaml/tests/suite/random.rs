//! Random bytes never panic, and what is written can be read again.

use tidegate_yaml::{
    Indent, Value, decode, emit_v2, emit_v3, node_to_canonical_yaml, parse_documents, parse_v2,
    to_json,
};

/// A small generator, so that every run sees the same texts (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit
    }

    fn pick<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
        from[self.below(from.len())]
    }
}

const PIECES: &[&[u8]] = &[
    b"a",
    b"b: ",
    b"c:",
    b"- ",
    b"\n",
    b"\n  ",
    b"\n    ",
    b"? ",
    b": ",
    b"[",
    b"]",
    b"{",
    b"}",
    b", ",
    b"'x y'",
    b"\"q\\n\\x41\"",
    b"|\n",
    b">-\n",
    b"|2\n",
    b"&x ",
    b"*x ",
    b"!t ",
    b"!!int ",
    b"!!binary ",
    b"# c\n",
    b" #d",
    b"---",
    b"\n---\n",
    b"...",
    b"1",
    b"true",
    b"<<: ",
    b"~",
    b"\t",
    b" ",
    b"''",
    b"\\\n",
    b"w w",
    b"%YAML 1.1\n",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\x98\x80",
    b"\r\n",
    b"\x00",
    b"\xff",
    b"\x7f",
    b"@",
    b"`",
    b"2001-12-14",
    b"0x",
    b"1e",
    b".5_",
    b"!<",
    b"%41",
    b">",
];

fn exercise(input: &[u8]) {
    let _ = parse_v2(input).map(|value| (emit_v2(&value), to_json(&value).is_ok()));
    let Ok(nodes) = parse_documents(input) else {
        return;
    };
    for mut node in nodes {
        let _ = decode(&node);
        let _ = node_to_canonical_yaml(&node);
        let _ = emit_v3(&node, Indent::DEFAULT);
        if node.expand().is_ok() {
            let _ = emit_v3(&node, Indent::KUSTOMIZE);
        }
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random(42);
    for _ in 0..2000 {
        let length = random.below(200);
        let bytes: Vec<u8> = (0..length)
            .map(|_| u8::try_from(random.below(256)).unwrap())
            .collect();
        exercise(&bytes);
    }
}

#[test]
fn random_pieces_of_yaml_never_panic() {
    let mut random = Random(7);
    for _ in 0..20_000 {
        let mut text = Vec::new();
        for _ in 0..=random.below(20) {
            text.extend_from_slice(random.pick(PIECES));
        }
        exercise(&text);
    }
}

#[test]
fn written_texts_are_read_back() {
    const WORDS: &[&[u8]] = &[
        b"a",
        b"word",
        b" ",
        b"  ",
        b"\n",
        b"'",
        b"\"",
        b"\\",
        b"#",
        b": ",
        b":",
        b"- ",
        b"?",
        b"{",
        b"]",
        b",",
        b"&",
        b"*",
        b"!",
        b"|",
        b"%",
        b"@",
        "\u{e9}".as_bytes(),
        "\u{1F600}".as_bytes(),
        b"\t",
        b"0",
        b"1",
        b"true",
        b"yes",
        b"~",
        b"=",
        b"<<",
        b".",
        b"a rather long word",
    ];
    let mut random = Random(99);
    for _ in 0..5000 {
        let mut text = Vec::new();
        for _ in 0..random.below(30) {
            text.extend_from_slice(random.pick(WORDS));
        }
        let text = String::from_utf8(text).unwrap();
        if text == "<<" {
            // yaml.v2 writes this key plain and reads it as a merge.
            continue;
        }
        let value = Value::Map([(text.clone(), Value::String(text))].into());
        let written = emit_v2(&value);
        assert_eq!(parse_v2(written.as_bytes()).unwrap(), value, "{written}");
    }
}
