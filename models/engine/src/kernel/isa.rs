/// The instructions the arithmetic may use. A value of it is proof that the machine has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Isa(Kind);

/// The instruction sets there are paths for, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(dead_code, reason = "each machine has its own few of them")
)]
pub(super) enum Kind {
    /// AVX-512 with VNNI: four products of bytes added up in each of 16 lanes at once.
    Avx512,
    /// AVX2 with the VNNI instructions in their 256-bit form.
    AvxVnni,
    /// AVX2 and FMA.
    Avx2,
    /// NEON with the mixed-sign dot product of i8mm.
    #[cfg_attr(target_arch = "x86_64", expect(dead_code, reason = "of the other machine"))]
    I8mm,
    /// NEON with the dot product.
    #[cfg_attr(target_arch = "x86_64", expect(dead_code, reason = "of the other machine"))]
    Dot,
    /// No assumption about the machine.
    Portable,
}

impl Isa {
    /// The best this machine has.
    pub(crate) fn best() -> Self {
        Self::all()[0]
    }

    /// All that this machine can run, best first; the portable path is always among them.
    pub(crate) fn all() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni");
            found.extend((avx2 && avx512).then_some(Self(Kind::Avx512)));
            found.extend(
                (avx2 && is_x86_feature_detected!("avxvnni")).then_some(Self(Kind::AvxVnni)),
            );
            found.extend(avx2.then_some(Self(Kind::Avx2)));
        }
        #[cfg(target_arch = "aarch64")]
        {
            let dot = std::arch::is_aarch64_feature_detected!("dotprod");
            let i8mm = dot && std::arch::is_aarch64_feature_detected!("i8mm");
            found.extend(i8mm.then_some(Self(Kind::I8mm)));
            found.extend(dot.then_some(Self(Kind::Dot)));
        }
        found.push(Self(Kind::Portable));
        found
    }

    /// Its name, for reports.
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            Kind::Avx512 => "avx512-vnni",
            Kind::AvxVnni => "avx-vnni",
            Kind::Avx2 => "avx2",
            Kind::I8mm => "neon-i8mm",
            Kind::Dot => "neon-dotprod",
            Kind::Portable => "portable",
        }
    }

    pub(super) fn kind(self) -> Kind {
        self.0
    }
}
