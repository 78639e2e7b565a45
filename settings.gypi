{
  # Included by every target rather than set in target_defaults: what Node's own common.gypi sets there
  # comes later and would win.
  "include_dirs": ["native"],
  "defines": ["<!@(node -p \"require('./native/sources.json').defines.join(' ')\")"],
  "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
  "cflags_cc": ["<!@(node -p \"require('./native/sources.json').flags.join(' ')\")"],
  "conditions": [
    ["OS=='linux'", {
      "cflags_cc": ["-pthread", "-fPIC"],
    }],
  ],
  "xcode_settings": {
    "CLANG_CXX_LIBRARY": "libc++",
    "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
    "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
    "GCC_ENABLE_CPP_RTTI": "YES",
    "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
    "MACOSX_DEPLOYMENT_TARGET": "11.0",
    "DEAD_CODE_STRIPPING": "YES",
    "OTHER_CPLUSPLUSFLAGS": ["<!@(node -p \"require('./native/sources.json').flags.join(' ')\")"],
  },
  "msvs_settings": {
    "VCCLCompilerTool": {
      "ExceptionHandling": 1,
      "RuntimeTypeInfo": "true",
      "AdditionalOptions": ["<!@(node -p \"require('./native/sources.json').msvcFlags.join(' ')\")"],
    },
  },
}
