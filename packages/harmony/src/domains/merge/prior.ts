// What a memory without experience begins with: numbers only, learned from the public histories named below by
// `bench/merge-prior.bench.ts`, which prints this table. Words as in situation.ts, contexts as in experience.ts; what is
// about one repository is left out. Learned from: twigphp/Twig, vuejs/core, Automattic/mongoose, doctrine/orm.

const WEIGHTS = `
all:1=-0.64 all:3=0.61 all:5=0.82 all:6=-0.33 base=-0.77 base|dn=-0.76 base|dy=0.17 base|hm0m100s=-0.18
base|hmmm000s=0.16 base|k.php=-0.77 base|k.ts=-0.17 base|k.yaml=0.19 base|mn=-0.58 base|mu=-0.36 base|my=0.17
base|pn=-0.58 base|pu=-0.31 base|py=0.17 exact:c1o0=0.61 exact:c1o1=0.28 exact:c2o0=0.26 exact:c4o0=-0.43
exact:elsewhere=1.02 exact:now=1.08 exact=0.65 exact|dn=0.26 exact|du=0.26 exact|dy=0.62 exact|h0fm000s=-0.16
exact|h111000s=0.21 exact|h11f000s=0.22 exact|h1m1000s=0.20 exact|hf1f000s=0.47 exact|hmm0010s=0.16
exact|k.html=0.18 exact|k.jade=-0.16 exact|k.js=-0.33 exact|k.json=0.33 exact|k.php=0.58 exact|k.ts=0.29
exact|k.xml=0.59 exact|mn=0.19 exact|my=1.02 exact|pu=0.56 exact|py=0.61 line_merge=-0.36 line_merge|dn=-0.15
line_merge|du=-0.25 line_merge|mu=-0.32 line_merge|pn=-0.17 line_merge|pu=-0.27 none:n10=0.17 none:n11=0.37
none:n12=0.50 none:n3=-0.84 none:n4=-0.45 none:n5=-1.19 none:n7=0.40 none:n8=0.38 none:n9=0.75 none=0.20
none|dn=0.20 none|h011000s=-1.11 none|h01f100s=-0.27 none|h0f1000s=-0.71 none|h0f1010s=-0.24
none|h0ff000s=-0.53 none|h0ff001s=-0.16 none|h0fm000s=-0.18 none|h0fm100s=-0.28 none|h0mf000L=-0.31
none|h0mf000s=-0.52 none|h0mf010s=-0.19 none|h0mm000L=-0.22 none|h0mm000s=-0.23 none|h0mm001s=-0.19
none|h0mm010L=-0.20 none|h0mm100s=-0.24 none|h101100s=-0.60 none|h10m100s=0.20 none|h110010s=-0.66
none|h111000L=0.25 none|h11f000s=0.34 none|h11m000s=0.61 none|h1f0010s=0.49 none|h1f1000s=0.20
none|h1f1010s=0.18 none|h1ff000s=0.25 none|h1fm000s=0.40 none|h1m1000L=0.35 none|h1m1000s=0.57
none|h1m1010s=-0.26 none|h1mf000s=0.61 none|h1mm000L=0.21 none|h1mm000s=0.65 none|h1mm001s=-0.17
none|hf01100s=-0.45 none|hf0m100L=0.17 none|hf0m100s=0.40 none|hf10010s=-0.23 none|hf11000s=-0.20
none|hf1f100s=-0.30 none|hf1m000s=0.39 none|hf1m100s=0.20 none|hff0010s=-0.47 none|hff1000s=-0.51
none|hfff000s=0.24 none|hfff001s=-0.17 none|hfff010s=-0.22 none|hffm000L=0.18 none|hffm000s=0.55
none|hfm0010s=0.29 none|hfmf000s=0.40 none|hfmm000L=0.29 none|hfmm000s=0.33 none|hm0f100s=-0.37
none|hm0m100L=-0.33 none|hm11000s=-0.23 none|hm1f000s=-0.24 none|hm1m000L=-0.35 none|hm1m100s=-0.33
none|hmf0010s=-0.46 none|hmff000s=-0.68 none|hmfm000L=-0.57 none|hmfm100s=-0.18 none|hmm0010L=-0.43
none|hmm0010s=-0.32 none|hmm1000L=-0.24 none|hmm1000s=-0.60 none|hmm1010s=-0.32 none|hmmf000L=-0.38
none|hmmf000s=-0.16 none|hmmm000L=0.16 none|hmmm000s=0.49 none|hmmm100s=-0.19 none|k.html=0.40 none|k.js=0.16
none|k.md=-0.22 none|k.neon=-0.29 none|k.php=0.30 none|k.pug=-0.21 none|k.snap=-0.21 none|k.test=-0.22
none|k.xml=0.20 none|mu=0.19 none|my=0.24 none|pu=0.22 nothing=-0.16 nothing|du=-0.26 nothing|dy=-0.18
nothing|h101100s=0.26 nothing|h10f100s=-0.56 nothing|h10m100s=-0.15 nothing|h110010s=0.39
nothing|h111000L=-0.26 nothing|h111000s=-1.56 nothing|h11f000s=-0.42 nothing|h11m000s=-0.24
nothing|h1f0010s=-0.46 nothing|h1f1000s=-0.57 nothing|h1f1010s=-0.17 nothing|h1ff000s=-0.52
nothing|h1m0010s=-0.22 nothing|h1m1000s=-0.26 nothing|h1mm000s=-0.16 nothing|hf01100s=0.26
nothing|hf0f100s=0.34 nothing|hf0m100L=-0.15 nothing|hf0m100s=-0.15 nothing|hf10010s=0.20
nothing|hf11000s=0.72 nothing|hf1f000s=-0.34 nothing|hf1m000s=-0.23 nothing|hff0010s=0.51
nothing|hfff000s=-1.20 nothing|hffm000s=-0.37 nothing|hfm0010s=-0.24 nothing|hfmf000s=-0.43
nothing|hfmm000s=-0.30 nothing|hm01100s=0.15 nothing|hm0f100s=0.25 nothing|hm0m100L=0.69 nothing|hm0m100s=0.45
nothing|hm1m000L=-0.26 nothing|hm1m000s=-0.31 nothing|hm1m100s=-0.19 nothing|hmf0010s=0.20
nothing|hmff000s=0.88 nothing|hmfm000s=0.28 nothing|hmm0010L=0.67 nothing|hmm0010s=0.58 nothing|hmm1000s=-0.42
nothing|hmmf000s=0.25 nothing|hmmm000L=0.28 nothing|k.dist=-0.31 nothing|k.html=-0.50 nothing|k.json=-0.26
nothing|k.md=-0.16 nothing|k.neon=0.70 nothing|k.rst=0.18 nothing|k.ts=-0.17 nothing|k.xml=0.37
nothing|k.yml=0.21 nothing|kCHANGELOG=-0.16 nothing|mn=-0.35 nothing|my=0.27 nothing|pu=-0.25 ours=0.52
ours_theirs|h011000s=0.64 ours_theirs|h01f000s=0.59 ours_theirs|h01m000s=0.36 ours_theirs|h0f1000s=0.51
ours_theirs|h0f1010s=-0.25 ours_theirs|h0ff000s=0.57 ours_theirs|h0fm000s=0.31 ours_theirs|h0fm100s=-0.16
ours_theirs|h0mf000s=0.70 ours_theirs|h0mm000L=1.03 ours_theirs|h0mm000s=1.23 ours_theirs|h101100s=0.31
ours_theirs|h110010s=0.19 ours_theirs|h111000s=-0.74 ours_theirs|h11f000s=-0.50 ours_theirs|h11m000s=-0.24
ours_theirs|h1f1000s=-0.30 ours_theirs|h1f1010s=-0.30 ours_theirs|h1ff000s=-0.87 ours_theirs|h1m0010s=0.23
ours_theirs|h1m1010s=-0.17 ours_theirs|h1mf000s=-0.27 ours_theirs|h1mm000s=-0.34 ours_theirs|hf01100s=0.20
ours_theirs|hf0m100s=-0.17 ours_theirs|hf1f000s=-0.71 ours_theirs|hf1m000s=-0.23 ours_theirs|hff0010s=0.16
ours_theirs|hff1000s=-0.25 ours_theirs|hfff000s=-1.19 ours_theirs|hffm000s=-0.51 ours_theirs|hfmf000s=-0.52
ours_theirs|hfmm000s=-0.50 ours_theirs|hm0m100L=-0.33 ours_theirs|hm0m100s=-0.27 ours_theirs|hm1m000L=-0.18
ours_theirs|hm1m000s=-0.46 ours_theirs|hm1m100s=-0.21 ours_theirs|hmf0010s=0.30 ours_theirs|hmff000s=-0.24
ours_theirs|hmfm000s=-0.45 ours_theirs|hmm0010L=-0.36 ours_theirs|hmm1000s=-0.23 ours_theirs|hmmf000s=-0.45
ours_theirs|hmmm000L=-0.38 ours_theirs|hmmm000s=-0.62 ours_theirs|k.html=-0.69 ours_theirs|k.js=-0.17
ours_theirs|k.json=-0.48 ours_theirs|k.rst=-0.47 ours_theirs|k.ts=0.28 ours_theirs|k.tsx=0.21
ours_theirs|k.vue=0.31 ours_theirs|k.yaml=-0.23 ours_theirs|k.yml=-0.30 ours_theirs|mn=-0.22
ours_theirs|mu=0.30 ours_theirs|pu=-0.17 ours_theirs|py=0.43 ours|dn=0.17 ours|dy=0.37 ours|h011000s=-1.14
ours|h01f000s=-0.82 ours|h01f100s=-0.39 ours|h01m000s=-0.36 ours|h01m100s=-0.17 ours|h0f1000s=-0.53
ours|h0f1010s=0.55 ours|h0ff000s=-0.36 ours|h0ff010s=0.23 ours|h0fm000s=-0.61 ours|h0m1000s=-0.30
ours|h0m1010s=0.20 ours|h0mf000L=-0.49 ours|h0mf000s=-0.25 ours|h0mf010s=0.32 ours|h0mm000L=-0.78
ours|h0mm000s=-0.70 ours|h0mm010L=0.28 ours|h0mm010s=0.21 ours|h101100s=0.26 ours|h10f100s=-0.56
ours|h10m100s=-0.15 ours|h110010s=0.19 ours|h111000L=-0.80 ours|h11f100s=0.47 ours|h11m000L=0.28
ours|h11m000s=-0.31 ours|h1f1000s=-0.30 ours|h1f1010s=0.42 ours|h1fm000s=-0.28 ours|h1m0010s=0.23
ours|h1m1010s=0.27 ours|h1mm000s=-0.17 ours|hf01100s=0.26 ours|hf0f100s=0.34 ours|hf0m100L=-0.15
ours|hf0m100s=-0.15 ours|hf11000s=-0.33 ours|hf1f100s=0.77 ours|hff0010s=0.16 ours|hff1000s=-0.24
ours|hfff000s=-0.21 ours|hfff010s=0.26 ours|hffm000s=-0.30 ours|hffm100s=0.31 ours|hfmf010s=0.23
ours|hfmm000s=0.27 ours|hm01100s=0.15 ours|hm0f100s=0.25 ours|hm0m100L=0.69 ours|hm0m100s=0.45
ours|hm1f000s=0.35 ours|hm1m000L=1.05 ours|hm1m000s=0.91 ours|hm1m100s=0.99 ours|hmf0010s=0.30
ours|hmff000s=-0.16 ours|hmfm000L=0.73 ours|hmfm000s=0.63 ours|hmm0010L=-0.36 ours|hmm1000L=-0.27
ours|hmm1000s=-0.79 ours|hmmf000L=-0.17 ours|hmmf000s=-0.16 ours|hmmf010s=0.20 ours|hmmm100s=0.19
ours|k.c=0.36 ours|k.h=0.17 ours|k.html=-0.91 ours|k.json=-0.18 ours|k.md=-0.30 ours|k.neon=-0.32
ours|k.pug=0.29 ours|k.tsx=-0.27 ours|k.xml=-0.46 ours|k.yml=0.22 ours|kCHANGELOG=0.40 ours|mn=-0.32
ours|my=1.09 ours|pu=0.35 ours|py=0.56 similar:before=-0.60 similar:n2=0.17 similar:n3=-0.26 similar:n4=0.50
similar:now=1.93 similar:s10=0.35 similar:s5=-0.27 similar:s7=-0.17 similar:s8=0.16 similar:s9=0.27
similar|h011000s=0.20 similar|h0f1000s=-0.22 similar|h0mf000s=0.39 similar|h0mm000L=0.43 similar|h10f100s=0.40
similar|h111000L=0.60 similar|h11m000s=-0.19 similar|h1f0010s=-0.32 similar|h1f1000s=-0.15
similar|h1ff000s=-0.26 similar|h1m1000L=-0.20 similar|h1m1000s=-0.19 similar|h1mf000L=0.24
similar|hf0m100s=-0.16 similar|hf10010s=0.17 similar|hf1f000s=-0.15 similar|hf1f100s=0.18
similar|hff0010s=0.42 similar|hfff000L=0.29 similar|hffm000s=0.29 similar|hfm1000s=-0.20 similar|hm0m100L=0.37
similar|hm1m000L=0.56 similar|hm1m100s=0.21 similar|hmfm000L=0.27 similar|hmfm000s=-0.39
similar|hmmf000L=-0.22 similar|k.html=0.91 similar|k.lock=-0.22 similar|k.md=0.36 similar|k.snap=-0.23
similar|k.xml=-0.19 similar|kCHANGELOG=0.17 similar|mu=-0.17 similar|pu=0.20 similar|py=0.21
sorted_union=-0.15 sorted_union|dy=-0.19 sorted_union|h011000s=1.38 sorted_union|h01f000s=0.49
sorted_union|h01f100s=0.52 sorted_union|h0f1000s=0.51 sorted_union|h0f1010s=0.63 sorted_union|h0m1010s=0.15
sorted_union|h0mf000s=-0.16 sorted_union|h0mm000L=-0.42 sorted_union|h0mm000s=-0.71 sorted_union|h101100s=0.31
sorted_union|h110010s=0.19 sorted_union|h111000s=-0.61 sorted_union|h11f000s=-0.25 sorted_union|h1f0010s=-0.47
sorted_union|h1f1010s=0.28 sorted_union|h1ff000s=-0.36 sorted_union|hf01100s=0.20 sorted_union|hf0m100s=-0.31
sorted_union|hf1f000s=-0.47 sorted_union|hff0010s=-0.19 sorted_union|hfff000s=-0.77 sorted_union|hfff010s=0.24
sorted_union|hffm000s=-0.22 sorted_union|hfmm000s=-0.17 sorted_union|hm0m100L=-0.30
sorted_union|hm0m100s=-0.68 sorted_union|hm1m000s=-0.30 sorted_union|hmfm000s=-0.40
sorted_union|hmm0010L=-0.17 sorted_union|hmm0010s=-0.42 sorted_union|hmm1000s=-0.21
sorted_union|hmmf000s=-0.20 sorted_union|hmmm000s=-0.36 sorted_union|k.dist=0.24 sorted_union|k.html=-0.19
sorted_union|k.js=-0.27 sorted_union|k.json=-0.23 sorted_union|k.php=0.26 sorted_union|k.rst=-0.38
sorted_union|k.snap=-0.18 sorted_union|k.test=0.17 sorted_union|k.ts=0.28 sorted_union|k.xml=-0.44
sorted_union|k.yaml=-0.55 sorted_union|mn=-0.17 sorted_union|pn=-0.27 sorted_union|pu=0.17 template:n4=0.77
template:now=0.61 template:o0=0.44 template:s8=0.25 template:s9=0.53 template=0.41 template|dn=0.19
template|du=0.24 template|dy=0.31 template|h0f1000s=-0.22 template|h101100s=0.21 template|h10f100s=0.34
template|h111000L=0.21 template|h111000s=0.52 template|h1ff000s=0.29 template|hf0f100s=-0.19
template|hf1f000s=0.30 template|hfff000s=-0.49 template|k.html=0.29 template|k.json=0.19 template|k.php=0.48
template|k.snap=0.47 template|k.xml=-0.41 template|k.yaml=-0.33 template|mn=0.30 template|my=0.27
template|pn=0.15 template|pu=0.29 theirs=0.29 theirs_ours|du=-0.21 theirs_ours|h011000s=1.15
theirs_ours|h01f000s=0.55 theirs_ours|h0f1000s=0.47 theirs_ours|h0ff000s=0.41 theirs_ours|h0fm000s=0.42
theirs_ours|h0m1000s=0.34 theirs_ours|h0mf000L=0.75 theirs_ours|h0mf000s=0.78 theirs_ours|h0mm000L=0.58
theirs_ours|h0mm000s=0.79 theirs_ours|h101100s=0.31 theirs_ours|h110010s=0.19 theirs_ours|h111000L=-0.19
theirs_ours|h111000s=-0.87 theirs_ours|h11f000s=-0.38 theirs_ours|h11m000s=-0.31 theirs_ours|h1f1000s=-0.50
theirs_ours|h1f1010s=-0.22 theirs_ours|h1ff000s=-0.55 theirs_ours|h1m0010s=0.23 theirs_ours|h1m1000L=-0.16
theirs_ours|h1m1000s=-0.36 theirs_ours|h1mf000s=-0.33 theirs_ours|h1mm000s=-0.44 theirs_ours|hf01100s=0.20
theirs_ours|hf0m100s=-0.17 theirs_ours|hf11000s=-0.18 theirs_ours|hf1f000s=-0.70 theirs_ours|hff0010s=0.16
theirs_ours|hff1000s=-0.40 theirs_ours|hfff000s=-1.42 theirs_ours|hffm000s=-0.37 theirs_ours|hfmf000s=-0.59
theirs_ours|hfmm000s=-0.44 theirs_ours|hm0m100L=-0.33 theirs_ours|hm0m100s=-0.27 theirs_ours|hm1m000L=-0.28
theirs_ours|hm1m000s=-0.26 theirs_ours|hmf0010s=0.30 theirs_ours|hmff000s=-0.24 theirs_ours|hmfm000s=-0.66
theirs_ours|hmm0010L=-0.36 theirs_ours|hmm1000s=-0.30 theirs_ours|hmmf000s=-0.42 theirs_ours|hmmm000L=-0.21
theirs_ours|hmmm000s=-0.84 theirs_ours|k.dist=0.25 theirs_ours|k.html=-0.56 theirs_ours|k.js=-0.43
theirs_ours|k.json=-0.73 theirs_ours|k.md=0.89 theirs_ours|k.php=-0.24 theirs_ours|k.rst=-0.29
theirs_ours|k.snap=-0.23 theirs_ours|k.yml=-0.25 theirs_ours|kCHANGELOG=0.25 theirs_ours|mn=-0.41
theirs_ours|pn=-0.29 theirs_ours|pu=-0.17 theirs_ours|py=0.44 theirs|dy=0.32 theirs|h011000s=-0.91
theirs|h01f000s=-0.60 theirs|h01f100s=0.59 theirs|h01m000s=-0.30 theirs|h0f1000s=-0.48 theirs|h0f1010s=-0.22
theirs|h0ff000s=-0.19 theirs|h0ff001s=0.22 theirs|h0fm000s=-0.19 theirs|h0fm100s=0.43 theirs|h0m1000s=-0.33
theirs|h0mf000L=-0.26 theirs|h0mf000s=-0.81 theirs|h0mm000L=-0.90 theirs|h0mm000s=-0.85 theirs|h0mm100s=0.20
theirs|h101100s=0.31 theirs|h110010s=0.39 theirs|h111000L=-1.20 theirs|h11m000L=-0.26 theirs|h1f0010s=-0.46
theirs|h1f1010s=-0.46 theirs|h1ff000s=0.37 theirs|h1m0010s=-0.22 theirs|h1m1000s=-0.34 theirs|h1mm001s=0.21
theirs|h1mm100s=0.22 theirs|hf01100s=0.20 theirs|hf0m100s=-0.17 theirs|hf10010s=0.20 theirs|hf11000s=-0.15
theirs|hf1f000s=-0.48 theirs|hf1f100s=-0.21 theirs|hf1m000s=-0.35 theirs|hff0010s=0.51 theirs|hff1000s=0.61
theirs|hff1010s=0.28 theirs|hffm000s=0.24 theirs|hffm100s=-0.18 theirs|hfm0010s=-0.24 theirs|hfmm000s=0.21
theirs|hm0m100L=-0.33 theirs|hm0m100s=-0.27 theirs|hm11000s=0.30 theirs|hm1m000L=-0.63 theirs|hm1m000s=-0.94
theirs|hm1m100s=-0.46 theirs|hmf0010s=0.20 theirs|hmf1000s=0.24 theirs|hmfm000s=-1.05 theirs|hmm0010L=0.67
theirs|hmm0010s=0.58 theirs|hmm1000L=0.46 theirs|hmm1000s=1.13 theirs|hmm1010L=0.16 theirs|hmm1010s=0.31
theirs|hmmf000L=0.56 theirs|hmmf000s=0.57 theirs|k.c=-0.23 theirs|k.html=0.18 theirs|k.js=0.35
theirs|k.json=0.20 theirs|k.lock=-0.17 theirs|k.neon=-0.27 theirs|k.php=0.17 theirs|k.pug=-0.22
theirs|k.rst=0.42 theirs|k.ts=-0.20 theirs|k.tsx=0.18 theirs|k.xml=-0.42 theirs|k.yml=0.42
theirs|kCHANGELOG=-0.30 theirs|mn=-0.43 theirs|my=1.17 theirs|pu=0.16 token_merge=0.82 token_merge|dn=0.29
token_merge|du=0.21 token_merge|dy=0.73 token_merge|h111000s=0.35 token_merge|h11f100s=-0.48
token_merge|h11m100s=0.16 token_merge|h1f1000s=0.30 token_merge|h1ff000s=-0.16 token_merge|h1mf000L=0.26
token_merge|hf1f000s=0.77 token_merge|hf1f100s=-0.30 token_merge|hf1m100s=-0.22 token_merge|hff1000s=0.34
token_merge|hfff000s=0.63 token_merge|hffm000s=-0.21 token_merge|hfm1000s=0.18 token_merge|hfmm000s=-0.49
token_merge|hm1m000s=0.24 token_merge|hmfm000s=0.15 token_merge|hmm1000s=0.33 token_merge|hmmf000s=-0.16
token_merge|k.c=0.20 token_merge|k.html=-0.37 token_merge|k.jade=0.23 token_merge|k.js=-0.41
token_merge|k.json=0.39 token_merge|k.php=0.67 token_merge|k.pug=-0.18 token_merge|k.rst=0.17
token_merge|k.snap=0.30 token_merge|k.ts=0.30 token_merge|k.tsx=-0.30 token_merge|k.xsd=-0.19
token_merge|k.yaml=-0.17 token_merge|k.yml=-0.42 token_merge|mu=0.42 token_merge|my=0.81 token_merge|pn=0.46
token_merge|pu=0.42 token_merge|py=0.35 union=-0.24 union|dn=-0.17 union|du=-0.27 union|dy=-0.18
union|h011000s=0.64 union|h01f000s=0.59 union|h01f100s=0.22 union|h01m000s=0.36 union|h0f1000s=0.51
union|h0f1010s=0.58 union|h0ff000s=0.51 union|h0ff010s=0.23 union|h0m1010s=0.20 union|h0mf000s=-0.26
union|h0mf010s=0.32 union|h0mm000L=-0.41 union|h0mm000s=-0.54 union|h0mm010L=0.28 union|h0mm010s=0.21
union|h101100s=0.31 union|h110010s=0.19 union|h111000s=-0.74 union|h11f000s=-0.50 union|h11f100s=-0.22
union|h11m000s=-0.24 union|h1f1000s=-0.30 union|h1f1010s=0.42 union|h1ff000s=-0.63 union|h1fm000s=-0.18
union|h1m0010s=0.23 union|h1m1010s=0.27 union|h1mm000s=-0.16 union|hf01100s=0.20 union|hf0m100s=-0.17
union|hf1f000s=-0.71 union|hf1f100s=-0.20 union|hf1m000s=-0.23 union|hff0010s=0.16 union|hff1000s=-0.25
union|hfff000s=-0.65 union|hfff010s=0.26 union|hffm000s=-0.45 union|hfmf000s=-0.32 union|hfmf010s=0.23
union|hm0m100L=-0.33 union|hm0m100s=-0.27 union|hm1m000L=-0.18 union|hm1m000s=-0.46 union|hm1m100s=-0.18
union|hmf0010s=0.30 union|hmff000s=-0.17 union|hmfm000s=-0.59 union|hmm0010L=-0.36 union|hmm1000s=-0.23
union|hmmf000s=-0.42 union|hmmf010s=0.24 union|hmmm000L=-0.29 union|hmmm000s=-0.46 union|k.dist=0.20
union|k.html=-0.40 union|k.js=-0.25 union|k.json=-0.24 union|k.php=-0.23 union|k.pug=0.15 union|k.rst=-0.37
union|k.test=0.16 union|k.tsx=0.19 union|k.vue=0.19 union|k.yaml=-0.22 union|k.yml=-0.37 union|mn=-0.21
union|my=-0.15 union|pn=-0.21 union|py=-0.18
`;

/** Weights by feature. */
export function priorWeights(): ReadonlyMap<string, number> {
  const words = WEIGHTS.split(/\s+/u).filter((word) => word !== "");
  return new Map(
    words.map((word) => {
      const at = word.lastIndexOf("=");
      return [word.slice(0, at), Number(word.slice(at + 1))];
    }),
  );
}
