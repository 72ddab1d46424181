// What a memory without experience begins with: numbers only, learned from the public histories named below by
// `bench/merge-prior.bench.ts`, which prints this table. Words as in situation.ts, contexts as in experience.ts; what is
// about one repository is left out. Learned from: twigphp/Twig, vuejs/core.

const WEIGHTS = `
all:1=-0.78 all:2=0.14 all:3=0.90 all:4=-0.23 all:5=0.63 base=-0.96 base|dn=-0.88 base|du=-0.23 base|dy=0.14
base|h111000s=-0.34 base|h1f1010s=0.12 base|hfff000s=-0.18 base|hmmm000s=0.19 base|k.php=-0.51
base|k.rst=-0.11 base|k.ts=-0.21 base|k.yaml=0.19 base|kCHANGELOG=-0.12 base|mn=-0.69 base|mu=-0.47
base|my=0.14 base|pn=-0.67 base|pu=-0.46 base|py=0.13 exact:before=-0.13 exact:c1o0=0.36 exact:c1o1=0.28
exact:c2o0=0.25 exact:c3o0=0.11 exact:c4o0=-0.43 exact:c4o1=0.12 exact:contested=0.14 exact:elsewhere=0.66
exact:here=-0.12 exact:now=0.69 exact=0.41 exact|dn=0.16 exact|du=0.17 exact|dy=0.32 exact|h0f1000s=0.14
exact|h0mm000s=-0.13 exact|h111000s=0.17 exact|h11m000s=-0.13 exact|h1ff000s=0.13 exact|h1m1000s=0.23
exact|hf1f000s=0.36 exact|hffm000s=-0.21 exact|hfmm000s=0.14 exact|hmm0010s=0.10 exact|hmmf000s=-0.13
exact|k.js=-0.14 exact|k.json=0.25 exact|k.php=0.33 exact|k.ts=0.26 exact|k.yaml=-0.13 exact|mn=0.11
exact|my=0.65 exact|pu=0.28 exact|py=0.40 none:n10=0.28 none:n11=0.27 none:n12=0.50 none:n3=-0.81
none:n4=-0.71 none:n5=-1.03 none:n6=-0.13 none:n7=0.36 none:n8=0.59 none:n9=0.71 none=0.19 none|dn=0.12
none|du=0.16 none|dy=0.15 none|h011000s=-1.07 none|h01f000s=-0.17 none|h01f100s=-0.18 none|h0f1000s=-0.60
none|h0f1010s=-0.13 none|h0ff000s=-0.65 none|h0ff101s=-0.11 none|h0fm000s=-0.45 none|h0fm100s=-0.16
none|h0mf000s=-0.23 none|h0mf010s=-0.11 none|h0mm000L=-0.40 none|h0mm000s=-0.39 none|h0mm100s=-0.10
none|h101100s=-0.44 none|h10f100s=0.13 none|h110010s=-0.50 none|h111000s=0.14 none|h11f000s=0.11
none|h11m000s=0.49 none|h1f0010s=0.35 none|h1f1010s=0.30 none|h1ff000s=0.40 none|h1fm000s=0.50
none|h1m1000L=0.29 none|h1m1000s=0.61 none|h1m1010s=-0.21 none|h1mf000s=0.40 none|h1mm000s=0.39
none|hf01100s=-0.35 none|hf0f100s=-0.46 none|hf0m100s=0.33 none|hf1f100s=-0.12 none|hf1m000s=0.27
none|hf1m100s=0.20 none|hff0010s=-0.46 none|hff1000s=-0.37 none|hff1010s=-0.12 none|hfff000s=0.12
none|hffm000s=0.56 none|hfm0010s=0.29 none|hfm1000L=0.13 none|hfm1000s=0.17 none|hfm1010s=0.10
none|hfmf000s=0.38 none|hfmm000L=0.14 none|hfmm000s=0.46 none|hm01100s=-0.14 none|hm0m100s=-0.35
none|hm1f000s=-0.15 none|hm1m000L=-0.24 none|hm1m100s=-0.13 none|hmf0010s=-0.23 none|hmff000s=-0.43
none|hmfm000L=-0.29 none|hmfm000s=0.14 none|hmm0010L=-0.32 none|hmm0010s=-0.29 none|hmm1000s=-0.53
none|hmm1010s=-0.11 none|hmmf000L=-0.18 none|hmmf000s=-0.14 none|hmmm000L=-0.11 none|hmmm000s=0.58
none|hx11000s=0.12 none|k.gitattributes=-0.10 none|k.html=0.22 none|k.json=0.14 none|k.lock=-0.11
none|k.md=-0.24 none|k.php=0.32 none|k.rst=0.10 none|k.snap=-0.21 none|k.test=-0.22 none|mu=0.12 none|my=0.36
none|pu=0.21 nothing=-0.13 nothing|dn=-0.13 nothing|du=-0.17 nothing|h101100s=0.28 nothing|h10f100s=-0.31
nothing|h110010s=0.25 nothing|h111000s=-1.34 nothing|h11f000s=-0.25 nothing|h11m000s=-0.13
nothing|h1f0010s=-0.33 nothing|h1f1000s=-0.43 nothing|h1f1010s=-0.16 nothing|h1ff000s=-0.40
nothing|h1m0010s=-0.22 nothing|h1m1000s=-0.22 nothing|h1mm000s=-0.11 nothing|hf01100s=0.26
nothing|hf0f100s=0.60 nothing|hf0m100s=-0.21 nothing|hf1m000s=-0.11 nothing|hff0010s=0.62
nothing|hfff000s=-0.82 nothing|hffm000s=-0.20 nothing|hfm0010s=-0.24 nothing|hfmf000s=-0.31
nothing|hfmm000s=-0.15 nothing|hm01100s=0.15 nothing|hm0m100L=0.21 nothing|hm0m100s=0.74
nothing|hm1m000L=-0.13 nothing|hm1m000s=-0.36 nothing|hm1m100s=-0.12 nothing|hmf0010s=0.12
nothing|hmfm000s=0.16 nothing|hmm0010L=0.45 nothing|hmm0010s=0.66 nothing|hmm1000s=-0.18
nothing|hmmf000s=-0.14 nothing|hmmm000s=-0.44 nothing|k.dist=-0.20 nothing|k.rst=0.12 nothing|k.ts=-0.16
nothing|k.yml=0.25 nothing|kCHANGELOG=-0.16 nothing|mn=-0.28 nothing|mu=-0.14 nothing|my=0.29 nothing|py=-0.42
ours=0.54 ours_theirs=0.18 ours_theirs|h011000s=0.72 ours_theirs|h01f000s=0.48 ours_theirs|h01f100s=-0.12
ours_theirs|h01m000s=0.41 ours_theirs|h0f1000s=0.23 ours_theirs|h0ff000s=0.69 ours_theirs|h0fm000s=0.31
ours_theirs|h0fm100s=-0.13 ours_theirs|h0mf000L=0.14 ours_theirs|h0mf000s=0.67 ours_theirs|h0mm000L=0.63
ours_theirs|h0mm000s=0.91 ours_theirs|h101100s=0.16 ours_theirs|h10f100s=0.10 ours_theirs|h110010s=0.23
ours_theirs|h111000s=-0.59 ours_theirs|h11f000s=-0.29 ours_theirs|h11m000s=-0.19 ours_theirs|h1f1000s=-0.29
ours_theirs|h1f1010s=-0.24 ours_theirs|h1ff000s=-0.66 ours_theirs|h1m0010s=0.28 ours_theirs|h1m1000L=-0.13
ours_theirs|h1m1000s=-0.36 ours_theirs|h1mf000s=-0.23 ours_theirs|h1mm000s=-0.15 ours_theirs|hf01100s=0.10
ours_theirs|hf0f100s=-0.13 ours_theirs|hf1f000s=-0.43 ours_theirs|hf1m000s=-0.13 ours_theirs|hfff000s=-0.88
ours_theirs|hffm000s=-0.36 ours_theirs|hfmf000s=-0.41 ours_theirs|hfmm000L=-0.12 ours_theirs|hfmm000s=-0.36
ours_theirs|hm0f100s=0.13 ours_theirs|hm0m100L=-0.14 ours_theirs|hm0m100s=-0.18 ours_theirs|hm1m000L=-0.12
ours_theirs|hm1m000s=-0.28 ours_theirs|hmf0010s=0.12 ours_theirs|hmff000s=-0.12 ours_theirs|hmfm000s=-0.33
ours_theirs|hmm0010L=-0.20 ours_theirs|hmm0010s=-0.39 ours_theirs|hmm1000s=-0.11 ours_theirs|hmmf000s=-0.27
ours_theirs|hmmm000L=-0.15 ours_theirs|hmmm000s=-0.41 ours_theirs|k.dist=0.11 ours_theirs|k.js=-0.25
ours_theirs|k.json=-0.31 ours_theirs|k.md=-0.21 ours_theirs|k.php=0.29 ours_theirs|k.rst=-0.31
ours_theirs|k.test=0.14 ours_theirs|k.ts=0.23 ours_theirs|k.tsx=0.21 ours_theirs|k.vue=0.31
ours_theirs|k.yaml=-0.23 ours_theirs|k.yml=-0.13 ours_theirs|mu=0.12 ours_theirs|py=0.35 ours|dn=0.25
ours|dy=0.34 ours|h011000s=-1.18 ours|h01f000s=-0.52 ours|h01f100s=-0.20 ours|h01m000s=-0.23
ours|h0f1000s=-0.35 ours|h0f1010s=0.32 ours|h0ff000s=-0.40 ours|h0ff010s=0.13 ours|h0ff101s=0.12
ours|h0fm000s=-0.35 ours|h0m1000s=-0.20 ours|h0mf010s=0.18 ours|h0mm000L=-0.55 ours|h0mm000s=-0.25
ours|h0mm010L=0.12 ours|h101100s=0.28 ours|h10f100s=-0.31 ours|h110010s=0.23 ours|h111000s=0.18
ours|h11m000L=0.29 ours|h11m000s=-0.15 ours|h1f1000s=-0.20 ours|h1f1010s=0.21 ours|h1ff000s=-0.45
ours|h1fm000s=-0.26 ours|h1m0010s=0.28 ours|h1m1000L=0.12 ours|h1m1010s=0.22 ours|h1mf000s=-0.14
ours|h1mm000s=-0.13 ours|h1mm010s=0.14 ours|hf01100s=0.26 ours|hf0f100s=0.60 ours|hf0m100s=-0.21
ours|hf1f100s=0.38 ours|hf1f101s=0.13 ours|hf1m000s=0.19 ours|hff1000s=-0.51 ours|hfff000s=-0.27
ours|hfff010s=0.12 ours|hffm000s=-0.23 ours|hffm100s=0.15 ours|hfm1000L=-0.12 ours|hfm1000s=-0.12
ours|hfmf010s=0.28 ours|hm01100s=0.15 ours|hm0m100L=0.21 ours|hm0m100s=0.74 ours|hm1f000s=0.17
ours|hm1m000L=0.74 ours|hm1m000s=0.88 ours|hm1m100s=0.57 ours|hmf0010s=0.12 ours|hmfm000L=0.39
ours|hmfm000s=0.30 ours|hmm0010L=-0.20 ours|hmm0010s=-0.39 ours|hmm1000L=-0.17 ours|hmm1000s=-0.51
ours|hmmf000L=-0.20 ours|hmmf000s=-0.19 ours|hmmm000s=0.16 ours|k.c=0.36 ours|k.dist=-0.14 ours|k.h=0.17
ours|k.json=-0.26 ours|k.lock=-0.13 ours|k.md=0.39 ours|k.php=-0.10 ours|k.test=0.15 ours|k.tsx=-0.27
ours|k.vue=-0.14 ours|k.yml=0.34 ours|kCHANGELOG=0.40 ours|mn=-0.46 ours|mu=0.11 ours|my=1.03 ours|pn=0.12
ours|py=0.59 similar:before=-0.44 similar:n2=0.14 similar:n3=-0.31 similar:n4=0.38 similar:now=1.24
similar:s10=0.57 similar:s5=-0.31 similar:s9=0.20 similar|du=0.13 similar|h011000s=0.22 similar|h01f100s=0.10
similar|h01m000s=-0.14 similar|h0fm100s=-0.13 similar|h0mf000s=0.28 similar|h0mm000L=0.43
similar|h0mm000s=-0.16 similar|h10f100s=0.28 similar|h111000s=-0.10 similar|h11f000s=0.15
similar|h11m000s=-0.21 similar|h1f1000s=-0.13 similar|h1f1010s=-0.15 similar|h1ff000s=-0.45
similar|h1fm000s=-0.17 similar|h1m1000L=-0.19 similar|h1m1000s=-0.15 similar|h1mf000L=0.23
similar|hf0f100s=0.15 similar|hf0m100s=-0.16 similar|hf1f000s=0.12 similar|hf1f100s=0.12
similar|hf1m000s=-0.18 similar|hff0010s=0.32 similar|hff1010s=-0.11 similar|hfff100s=0.14
similar|hffm000s=0.14 similar|hfm0010s=-0.18 similar|hfm1000s=-0.12 similar|hfmf000s=0.12
similar|hfmm000L=-0.11 similar|hfmm000s=-0.12 similar|hm0f100s=0.10 similar|hm0m100L=0.20
similar|hm0m100s=0.28 similar|hm1m000L=0.39 similar|hm1m000s=-0.12 similar|hm1m100s=0.11 similar|hmfm000L=0.28
similar|hmfm000s=-0.16 similar|hmm0010L=-0.11 similar|hmm0010s=0.10 similar|hmm1000L=-0.11
similar|hmm1000s=-0.19 similar|hmmf000L=-0.11 similar|hmmf000s=0.12 similar|hmmm000L=0.12
similar|hmmm000s=-0.17 similar|k.json=-0.19 similar|k.snap=-0.23 similar|kCHANGELOG=0.17 sorted_union=-0.24
sorted_union|dn=-0.22 sorted_union|h011000s=0.93 sorted_union|h01f000s=0.21 sorted_union|h01f100s=0.40
sorted_union|h0f1000s=0.31 sorted_union|h0f1010s=0.32 sorted_union|h0mm000L=-0.27 sorted_union|h0mm000s=-0.44
sorted_union|h101100s=0.16 sorted_union|h110010s=0.23 sorted_union|h111000s=-0.47 sorted_union|h11f000s=-0.15
sorted_union|h11f100s=0.12 sorted_union|h1f0010s=-0.14 sorted_union|h1f1000s=-0.17 sorted_union|h1f1010s=0.21
sorted_union|h1ff000s=-0.28 sorted_union|h1m1000s=-0.13 sorted_union|hf01100s=0.10 sorted_union|hf1f000s=-0.19
sorted_union|hfff000s=-0.50 sorted_union|hfff100s=0.14 sorted_union|hffm000s=-0.13 sorted_union|hfmm000s=-0.13
sorted_union|hm0m100L=-0.12 sorted_union|hm0m100s=-0.34 sorted_union|hm1m000s=-0.13
sorted_union|hmfm000s=-0.15 sorted_union|hmm0010s=-0.30 sorted_union|hmmm000s=-0.34 sorted_union|k.dist=0.12
sorted_union|k.gitattributes=0.13 sorted_union|k.json=-0.11 sorted_union|k.php=-0.33 sorted_union|k.rst=-0.27
sorted_union|k.snap=-0.18 sorted_union|k.test=0.17 sorted_union|k.ts=0.34 sorted_union|k.yaml=-0.55
sorted_union|mn=-0.26 sorted_union|mu=-0.10 sorted_union|pn=-0.27 template:n4=0.65 template:now=0.63
template:o0=0.30 template:s6=-0.25 template:s8=0.37 template:s9=0.29 template=0.31 template|du=0.19
template|dy=0.30 template|h01f000s=0.13 template|h0f1000s=-0.17 template|h101100s=0.21 template|h10f100s=-0.16
template|h111000s=0.63 template|h1f0010s=-0.20 template|h1ff000s=0.29 template|hf1m100s=0.14
template|hff1010s=-0.13 template|hfff000s=-0.42 template|hfmf000s=-0.14 template|hfmm000s=0.10
template|hm1m000s=0.11 template|k.json=0.14 template|k.php=0.16 template|k.snap=0.47 template|k.yaml=-0.33
template|mn=0.22 template|pu=0.32 theirs=0.37 theirs_ours=-0.15 theirs_ours|dn=-0.29 theirs_ours|du=-0.11
theirs_ours|dy=0.28 theirs_ours|h011000s=0.81 theirs_ours|h01f000s=0.45 theirs_ours|h01f100s=-0.14
theirs_ours|h0f1000s=0.53 theirs_ours|h0ff000s=0.51 theirs_ours|h0fm000s=0.43 theirs_ours|h0m1000s=0.35
theirs_ours|h0mm000L=0.73 theirs_ours|h0mm000s=0.73 theirs_ours|h101100s=0.16 theirs_ours|h10f100s=0.10
theirs_ours|h110010s=0.23 theirs_ours|h111000s=-0.66 theirs_ours|h11f000s=-0.25 theirs_ours|h11m000s=-0.22
theirs_ours|h1f1000s=-0.43 theirs_ours|h1f1010s=-0.20 theirs_ours|h1ff000s=-0.47 theirs_ours|h1fm000s=-0.11
theirs_ours|h1m0010s=0.28 theirs_ours|h1m1000L=-0.14 theirs_ours|h1m1000s=-0.34 theirs_ours|h1mf000s=-0.31
theirs_ours|h1mm000s=-0.25 theirs_ours|hf01100s=0.10 theirs_ours|hf0f100s=-0.13 theirs_ours|hf1f000s=-0.41
theirs_ours|hff1000s=-0.29 theirs_ours|hfff000s=-1.24 theirs_ours|hffm000s=-0.27 theirs_ours|hfmf000s=-0.53
theirs_ours|hfmm000s=-0.39 theirs_ours|hm0f100s=0.13 theirs_ours|hm0m100L=-0.14 theirs_ours|hm0m100s=-0.18
theirs_ours|hm1m000s=-0.27 theirs_ours|hmf0010s=0.12 theirs_ours|hmff000s=-0.14 theirs_ours|hmfm000s=-0.42
theirs_ours|hmm0010L=-0.20 theirs_ours|hmm0010s=-0.39 theirs_ours|hmm1000s=-0.19 theirs_ours|hmmf000s=-0.22
theirs_ours|hmmm000s=-0.61 theirs_ours|k.dist=0.12 theirs_ours|k.gitattributes=0.13 theirs_ours|k.js=-0.28
theirs_ours|k.json=-0.50 theirs_ours|k.md=0.18 theirs_ours|k.php=-0.53 theirs_ours|k.rst=-0.20
theirs_ours|k.snap=-0.23 theirs_ours|k.test=0.15 theirs_ours|k.yml=-0.28 theirs_ours|kCHANGELOG=0.25
theirs_ours|mn=-0.50 theirs_ours|my=0.42 theirs_ours|pn=-0.32 theirs_ours|py=0.22 theirs|dn=0.11
theirs|dy=0.52 theirs|h011000s=-0.54 theirs|h01f000s=-0.43 theirs|h01f100s=0.46 theirs|h01m000s=-0.26
theirs|h0f1000s=-0.24 theirs|h0f1010s=-0.15 theirs|h0ff000s=-0.27 theirs|h0fm100s=0.29 theirs|h0m1000s=-0.26
theirs|h0mf000s=-0.51 theirs|h0mm000L=-0.65 theirs|h0mm000s=-0.72 theirs|h0mm011s=0.13 theirs|h0mm100L=0.12
theirs|h101100s=0.16 theirs|h10f100s=0.10 theirs|h110010s=0.25 theirs|h111001s=0.14 theirs|h11f000s=0.14
theirs|h11f100s=0.13 theirs|h11m000L=-0.22 theirs|h11m000s=-0.12 theirs|h1f0010s=-0.33 theirs|h1f1010s=-0.48
theirs|h1ff000s=0.20 theirs|h1m0010s=-0.22 theirs|h1m1000L=-0.11 theirs|h1m1000s=-0.32 theirs|h1mm100s=0.11
theirs|hf01100s=0.10 theirs|hf0f100s=-0.13 theirs|hf11000s=0.13 theirs|hf1f000s=-0.59 theirs|hf1f100s=-0.18
theirs|hf1m000s=-0.19 theirs|hff0010s=0.62 theirs|hff1000s=0.63 theirs|hff1010s=0.21 theirs|hfff000s=0.20
theirs|hfff001s=0.13 theirs|hfff100s=0.12 theirs|hffm000s=0.29 theirs|hfm0010s=-0.24 theirs|hfmf010s=-0.13
theirs|hm0f100s=0.13 theirs|hm0m100L=-0.14 theirs|hm0m100s=-0.18 theirs|hm1m000L=-0.48 theirs|hm1m000s=-0.92
theirs|hm1m100s=-0.32 theirs|hmf0010s=0.12 theirs|hmf1000s=0.16 theirs|hmff000s=0.26 theirs|hmfm000s=-0.64
theirs|hmfm100s=0.16 theirs|hmm0010L=0.45 theirs|hmm0010s=0.66 theirs|hmm1000L=0.22 theirs|hmm1000s=0.88
theirs|hmm1010s=0.11 theirs|hmmf000L=0.36 theirs|hmmf000s=0.58 theirs|hmmm000L=0.15 theirs|hmmm000s=-0.12
theirs|k.c=-0.23 theirs|k.gitignore=0.12 theirs|k.js=0.29 theirs|k.json=0.12 theirs|k.md=-0.12
theirs|k.php=0.45 theirs|k.rst=0.29 theirs|k.ts=-0.18 theirs|k.tsx=0.18 theirs|k.yml=0.29
theirs|kCHANGELOG=-0.30 theirs|kLICENSE=0.11 theirs|mn=-0.34 theirs|my=1.20 theirs|pn=-0.29 theirs|pu=0.21
theirs|py=0.47 token_merge=0.90 token_merge|dn=0.40 token_merge|du=0.22 token_merge|dy=0.70
token_merge|h111000s=0.32 token_merge|h11f000s=0.15 token_merge|h1f1000s=0.30 token_merge|h1fm000s=-0.16
token_merge|h1m1000L=-0.10 token_merge|h1m1000s=-0.17 token_merge|h1mf000L=0.26 token_merge|h1mf000s=0.21
token_merge|hf1f000s=0.65 token_merge|hf1m000s=-0.14 token_merge|hf1m100s=-0.22 token_merge|hff1000s=0.19
token_merge|hfff000s=0.71 token_merge|hfff010s=0.10 token_merge|hffm000s=-0.30 token_merge|hfmm000s=-0.37
token_merge|hm1m000L=-0.11 token_merge|hmff000s=0.21 token_merge|hmfm000s=0.14 token_merge|hmm1000s=0.10
token_merge|k.c=0.20 token_merge|k.js=-0.18 token_merge|k.json=0.34 token_merge|k.lock=0.25
token_merge|k.md=-0.12 token_merge|k.php=0.61 token_merge|k.rst=0.30 token_merge|k.snap=0.30
token_merge|k.ts=0.33 token_merge|k.tsx=-0.30 token_merge|k.yaml=-0.17 token_merge|k.yml=-0.44
token_merge|mu=0.52 token_merge|my=0.90 token_merge|pn=0.50 token_merge|pu=0.59 token_merge|py=0.33
union=-0.18 union|dn=-0.20 union|du=-0.20 union|h011000s=0.72 union|h01f000s=0.48 union|h01f100s=0.18
union|h01m000s=0.41 union|h0f1000s=0.23 union|h0f1010s=0.32 union|h0ff000s=0.62 union|h0ff010s=0.13
union|h0ff101s=0.12 union|h0fm000s=-0.14 union|h0mf000s=-0.22 union|h0mf010s=0.18 union|h0mm000L=-0.34
union|h0mm000s=-0.26 union|h0mm010L=0.12 union|h101100s=0.16 union|h10f100s=0.10 union|h110010s=0.23
union|h111000s=-0.59 union|h11f000s=-0.29 union|h11m000s=-0.19 union|h1f1000s=-0.29 union|h1f1010s=0.21
union|h1ff000s=-0.51 union|h1fm000s=-0.11 union|h1m0010s=0.28 union|h1m1000L=-0.13 union|h1m1000s=-0.36
union|h1m1010s=0.22 union|h1mm010s=0.14 union|hf01100s=0.10 union|hf0f100s=-0.13 union|hf1f000s=-0.43
union|hf1m000s=-0.13 union|hfff000s=-0.48 union|hfff010s=0.12 union|hfff100s=0.14 union|hffm000s=-0.31
union|hfmf000s=-0.23 union|hfmf010s=0.28 union|hm0f100s=0.13 union|hm0m100L=-0.14 union|hm0m100s=-0.18
union|hm1m000L=-0.12 union|hm1m000s=-0.28 union|hmf0010s=0.12 union|hmfm000s=-0.32 union|hmfm100s=0.14
union|hmm0010L=-0.20 union|hmm0010s=-0.39 union|hmm1000s=-0.11 union|hmmf000s=-0.26 union|hmmf010s=0.14
union|hmmm000L=-0.12 union|hmmm000s=-0.61 union|k.dist=0.11 union|k.js=-0.24 union|k.md=-0.14
union|k.rst=-0.35 union|k.snap=-0.11 union|k.test=0.16 union|k.tsx=0.19 union|k.vue=0.19 union|k.yaml=-0.22
union|k.yml=-0.28 union|mn=-0.19 union|pn=-0.22
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
