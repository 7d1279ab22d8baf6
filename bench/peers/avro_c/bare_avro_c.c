/* SPDX-License-Identifier: Apache-2.0
 * The bid requests read with avro-c, as its manual shows: one value reused, fields by index. The container is written
 * as one schema and read as the same, so nothing is resolved. Output as adweave_stages decode. */
#include <avro.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kId, kImp, kTime, kUser, kSite, kDevice, kFloor, kCurrency, kFields };

struct Sum {
  int64_t values;
  __int128 sum;
};

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, avro_strerror());
  exit(1);
}

static void add_text(struct Sum *sum, avro_value_t *value) {
  const char *text;
  size_t size; /* with the zero at its end */
  if (avro_value_get_string(value, &text, &size) == 0) {
    sum->values++;
    sum->sum += (int64_t)size - 1;
  }
}

static void add_long(struct Sum *sum, avro_value_t *value) {
  int64_t number;
  if (avro_value_get_long(value, &number) == 0) {
    sum->values++;
    sum->sum += number;
  }
}

static void print_sum(const char *name, const struct Sum *sum) {
  char text[48];
  char *begin = text + sizeof text - 1;
  __int128 rest = sum->sum;
  *begin = 0;
  do {
    *--begin = (char)('0' + (int)(rest % 10));
    rest /= 10;
  } while (rest > 0);
  printf("%s %lld %s\n", name, (long long)sum->values, begin);
}

int main(int count, char **paths) {
  static const char *kNames[kFields] = {"auction_id", "imp_id", "event_time", "user_id",
                                        "website", "user_agent", "floor", "currency"};
  struct Sum sums[kFields] = {{0, 0}};
  int64_t rows = 0;
  for (int i = 1; i < count; i++) {
    avro_file_reader_t reader;
    if (avro_file_reader(paths[i], &reader)) fail(paths[i]);
    avro_value_iface_t *kind = avro_generic_class_from_schema(avro_file_reader_get_writer_schema(reader));
    avro_value_t record, field, branch;
    avro_generic_value_new(kind, &record);
    while (avro_file_reader_read_value(reader, &record) == 0) {
      rows++;
      for (size_t f = 0; f < kFields; f++) {
        avro_value_get_by_index(&record, f, &field, NULL);
        switch (f) {
          case kTime:
          case kFloor:
            add_long(&sums[f], &field);
            break;
          case kUser:
            avro_value_get_current_branch(&field, &branch);
            add_text(&sums[f], &branch);
            break;
          case kSite:
          case kDevice:
            avro_value_get_by_index(&field, 0, &branch, NULL);
            add_text(&sums[f], &branch);
            break;
          default:
            add_text(&sums[f], &field);
        }
      }
      avro_value_reset(&record);
    }
    avro_value_decref(&record);
    avro_value_iface_decref(kind);
    avro_file_reader_close(reader);
  }
  printf("rows %lld\n", (long long)rows);
  for (int f = 0; f < kFields; f++)
    print_sum(kNames[f], &sums[f]);
  return 0;
}
