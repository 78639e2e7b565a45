{
  # One static library per instruction set, all from the same kernels; the addon links them and chooses
  # one when it is loaded. native/sources.json lists sources and flags for this file and for CMake.
  "targets": [
    {
      "target_name": "isa_scalar",
      "type": "static_library",
      "includes": ["settings.gypi"],
      "sources": ["native/<!(node -p \"require('./native/sources.json').isa.scalar.source\")"],
    },
    {
      "target_name": "myelin",
      "includes": ["settings.gypi"],
      "dependencies": ["isa_scalar"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "sources": [
        "<!@(node -p \"const s = require('./native/sources.json'); [...s.core, ...s.addon].map((f) => 'native/' + f).join(' ')\")",
      ],
      "conditions": [
        ["target_arch=='x64'", {
          "dependencies": ["isa_avx2", "isa_avx512vl", "isa_avx512", "isa_avx512bf16", "isa_avx512amx"],
        }],
        ["target_arch=='arm64'", {
          "dependencies": ["isa_neon"],
        }],
        ["OS=='linux'", {
          # Only the two symbols that Node looks up leave the file, so that no other addon's C++ runtime
          # is ever mixed with ours.
          "ldflags": [
            "-pthread",
            "-Wl,-z,relro,-z,now",
            "-static-libstdc++",
            "-static-libgcc",
            "-Wl,--gc-sections",
            "-Wl,--exclude-libs,ALL",
            "-Wl,--version-script=<(module_root_dir)/native/exports.map",
          ],
        }],
      ],
    },
  ],
  "conditions": [
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "isa_avx2",
          "type": "static_library",
          "includes": ["settings.gypi"],
          "sources": ["native/<!(node -p \"require('./native/sources.json').isa.avx2.source\")"],
          "cflags_cc": ["<!@(node -p \"require('./native/sources.json').isa.avx2.gcc.join(' ')\")"],
          "xcode_settings": {
            "OTHER_CPLUSPLUSFLAGS": ["<!@(node -p \"require('./native/sources.json').isa.avx2.gcc.join(' ')\")"],
          },
          "msvs_settings": {
            "VCCLCompilerTool": {
              "AdditionalOptions": ["<!@(node -p \"require('./native/sources.json').isa.avx2.msvc.join(' ')\")"],
            },
          },
        },
        {
          "target_name": "isa_avx512vl",
          "type": "static_library",
          "includes": ["settings.gypi"],
          "sources": ["native/<!(node -p \"require('./native/sources.json').isa.avx512vl.source\")"],
          "cflags_cc": ["<!@(node -p \"require('./native/sources.json').isa.avx512vl.gcc.join(' ')\")"],
          "xcode_settings": {
            "OTHER_CPLUSPLUSFLAGS": ["<!@(node -p \"require('./native/sources.json').isa.avx512vl.gcc.join(' ')\")"],
          },
          "msvs_settings": {
            "VCCLCompilerTool": {
              "AdditionalOptions": ["<!@(node -p \"require('./native/sources.json').isa.avx512vl.msvc.join(' ')\")"],
            },
          },
        },
        {
          "target_name": "isa_avx512",
          "type": "static_library",
          "includes": ["settings.gypi"],
          "sources": ["native/<!(node -p \"require('./native/sources.json').isa.avx512.source\")"],
          "cflags_cc": ["<!@(node -p \"require('./native/sources.json').isa.avx512.gcc.join(' ')\")"],
          "xcode_settings": {
            "OTHER_CPLUSPLUSFLAGS": ["<!@(node -p \"require('./native/sources.json').isa.avx512.gcc.join(' ')\")"],
          },
          "msvs_settings": {
            "VCCLCompilerTool": {
              "AdditionalOptions": ["<!@(node -p \"require('./native/sources.json').isa.avx512.msvc.join(' ')\")"],
            },
          },
        },
        {
          "target_name": "isa_avx512bf16",
          "type": "static_library",
          "includes": ["settings.gypi"],
          "sources": ["native/<!(node -p \"require('./native/sources.json').isa.avx512bf16.source\")"],
          "cflags_cc": ["<!@(node -p \"require('./native/sources.json').isa.avx512bf16.gcc.join(' ')\")"],
          "xcode_settings": {
            "OTHER_CPLUSPLUSFLAGS": ["<!@(node -p \"require('./native/sources.json').isa.avx512bf16.gcc.join(' ')\")"],
          },
          "msvs_settings": {
            "VCCLCompilerTool": {
              "AdditionalOptions": ["<!@(node -p \"require('./native/sources.json').isa.avx512bf16.msvc.join(' ')\")"],
            },
          },
        },
        {
          "target_name": "isa_avx512amx",
          "type": "static_library",
          "includes": ["settings.gypi"],
          "sources": ["native/<!(node -p \"require('./native/sources.json').isa.avx512amx.source\")"],
          "cflags_cc": ["<!@(node -p \"require('./native/sources.json').isa.avx512amx.gcc.join(' ')\")"],
          "xcode_settings": {
            "OTHER_CPLUSPLUSFLAGS": ["<!@(node -p \"require('./native/sources.json').isa.avx512amx.gcc.join(' ')\")"],
          },
          "msvs_settings": {
            "VCCLCompilerTool": {
              "AdditionalOptions": ["<!@(node -p \"require('./native/sources.json').isa.avx512amx.msvc.join(' ')\")"],
            },
          },
        },
      ],
    }],
    ["target_arch=='arm64'", {
      "targets": [
        {
          "target_name": "isa_neon",
          "type": "static_library",
          "includes": ["settings.gypi"],
          "sources": ["native/<!(node -p \"require('./native/sources.json').isa.neon.source\")"],
        },
      ],
    }],
  ],
}
