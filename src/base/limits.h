// SPDX-License-Identifier: Apache-2.0
// Every limit and default number of the program, in one place. The reference configuration shows
// those a user can set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace adweave::limits {

inline constexpr int64_t kKiB = 1024;
inline constexpr int64_t kMiB = 1024 * kKiB;
inline constexpr int64_t kSecondUs = 1'000'000;
inline constexpr int64_t kDayUs = 86'400 * kSecondUs;

// Reading.
inline constexpr int64_t kSliceBytes =
    8 * kMiB;  // files are cut at multiples of this, at the next record end
inline constexpr int64_t kCommitBytes =
    64 * kMiB;  // a batch run commits each time this much input is done
inline constexpr int64_t kEventBytesMax = kMiB;  // a longer record is a reject
inline constexpr int kNestingMax = 64;
inline constexpr size_t kJsonDepthMax = 1000;  // of control data
inline constexpr int kThreadsMax = 64;
inline constexpr int kSlicesInFlightPerThread = 2;  // decoded slices that wait for the sequencer
inline constexpr int64_t kConfigBytesMax = 16 * kMiB;
inline constexpr int64_t kDimensionBytesMax = 256 * kMiB;
inline constexpr int64_t kAvroHeaderBytesMax = kMiB;
inline constexpr int64_t kAvroBlockBytesMax = 16 * kMiB;  // as stored and after decompression
inline constexpr int64_t kAvroItemsMax = 1'000'000;       // of an array or map
inline constexpr int64_t kAvroEmptyRecordsMax = 65'536;   // records without bytes in a block
inline constexpr int64_t kExpansionMax = 200;  // content of a compressed file, per byte of it
inline constexpr int64_t kExpansionFreeBytes = 16 * kMiB;  // content that may expand any-fold
inline constexpr int kZstdWindowLogMax = 25;               // 32 MiB of memory to decompress
inline constexpr int64_t kXzMemoryMax = 64 * kMiB;
inline constexpr int kCsvFieldsMax = 4096;
inline constexpr int kExplodeMax = 4096;  // events in one record

inline constexpr int64_t kContentReadBytes = 256 * kKiB;  // read at once of a compressed file
inline constexpr int64_t kHeadReadBytes =
    64 * kKiB;  // first read for a file's head, doubled until it is whole
inline constexpr int64_t kCutReadBytes =
    64 * kKiB;  // read beyond a cut to find the record's end, doubled
inline constexpr int64_t kCutSearchBytesMax =
    16 * kMiB;  // a record that does not end within is cut by force

// The journal of what arrives over HTTP.
inline constexpr int64_t kJournalSegmentBytes = 64 * kMiB;  // a file of it; then the next begins
inline constexpr int64_t kJournalBytesMax =
    int64_t{4} * 1024 * kMiB;  // not yet committed; beyond it senders must wait
inline constexpr int64_t kJournalEasyBytes =
    256 * kMiB;  // not yet committed; beyond it each group waits before it is written
inline constexpr int64_t kJournalPatienceUs = kSecondUs / 2;  // no longer than this
inline constexpr int64_t kJournalArchiveUs = 5 * kSecondUs;   // between looks for what to archive
inline constexpr int64_t kJournalQueueBytesMax = 64 * kMiB;   // in memory, not yet on disk
inline constexpr int64_t kJournalGroupBytes = 8 * kMiB;       // written and synced at once
inline constexpr int64_t kJournalFileBytesMax =
    128 * kMiB;  // a segment and the group that passed its end; read as one when it is opened
inline constexpr int64_t kJournalReadBytes = 256 * kKiB;  // read at once of a segment
inline constexpr int64_t kDeliveryBytesMax = 16 * kMiB;   // body of a request, as sent
inline constexpr int64_t kDeliveryBatchBytesMax = 256;    // its id
inline constexpr int64_t kDeliverySourceBytesMax = 256;   // name of its source

// A running server.
inline constexpr int64_t kLiveCommitUs = kSecondUs / 10;    // between commits, when there is data
inline constexpr int64_t kLivePatienceUs = kSecondUs / 10;  // with nothing to do, until it looks up
inline constexpr int64_t kWatchEveryUs = kSecondUs;         // between looks into watched folders
inline constexpr int64_t kWatchRestUs = 2 * kSecondUs;      // a file must be unchanged so long
inline constexpr int64_t kLiveSnapshotRows = 2'000'000;  // events between snapshots of the state,
inline constexpr int64_t kLiveSnapshotShare = 4;         // or its ids divided by this, if more
inline constexpr size_t kBatchKeysMax = 1'000'000;       // Idempotency-Keys that are known
inline constexpr size_t kDeliveryErrorsMax = 10;         // told to the sender of a delivery
inline constexpr int64_t kJournalKeptUs = 7 * kDayUs;    // what is committed stays so long
inline constexpr int64_t kRawDaysMax = 3'660;            // that it may be told to stay

// The log of a running server.
inline constexpr int64_t kLogRepeatUs = 10 * kSecondUs;  // the same message is said once in it
inline constexpr size_t kLogMessagesMax = 256;           // that are known, to see repeats

// Memory (mallopt(3)).
inline constexpr int64_t kAllocatorMapBytes = 32 * kMiB;   // larger pieces are mapped on their own
inline constexpr int64_t kAllocatorKeptBytes = 64 * kMiB;  // free memory that is not given back
inline constexpr int64_t kAllocatorStepBytes = 16 * kMiB;  // taken from the system at once

// Rejects.
inline constexpr int64_t kRejectsPerSliceMax =
    10'000;  // beyond it, neighbours that cannot be read are one byte range
inline constexpr int64_t kRejectRawBytesMax =
    kMiB;  // bytes kept; the full length and hash are kept beside them

// Times that can be written as a date: the years 1 to 9999.
inline constexpr int64_t kCivilTimeMin = -62'135'596'800 * kSecondUs;
inline constexpr int64_t kCivilTimeMax = 253'402'300'799 * kSecondUs;

// Validation (semantics c.5.5, architecture "Defaults").
inline constexpr int64_t kEventTimeMin = 946'684'800 * kSecondUs;  // 2000-01-01T00:00:00Z
inline constexpr int64_t kEpochSecondMax =
    4'102'444'800;  // 2100-01-01: a larger count of seconds is another unit
inline constexpr int64_t kFutureToleranceUs = 600 * kSecondUs;  // event time after its receipt
inline constexpr int64_t kLateAfterUs = kDayUs;  // received - event over this is flagged late

// Attribution (semantics c.5).
inline constexpr int64_t kClickWindowUs = 30 * kDayUs;
inline constexpr int64_t kViewWindowUs = kDayUs;
inline constexpr int64_t kRestatementHorizonUs = 35 * kDayUs;
inline constexpr int64_t kDoubleClickUs = kSecondUs;  // after a click on the same impression
inline constexpr int64_t kClickJoinWindowUs =
    kDayUs / 4;  // between an impression and a click that does not name it
inline constexpr int64_t kHalfLifeUs = 7 * kDayUs;    // of time decay
inline constexpr int kPositionWeight = 40;            // percent to the first and to the last touch
inline constexpr int64_t kCreditPpb = 1'000'000'000;  // one whole conversion
inline constexpr int kTouchesPerConversionMax =
    256;  // losing touches recorded with their reason, latest first

// Lake.
inline constexpr int kZstdLevel = 1;
inline constexpr int64_t kWriteBufferBytes = kMiB;
inline constexpr int64_t kRowGroupRows = 262'144;
inline constexpr int64_t kPageRows = 65'536;
inline constexpr int64_t kPageBytes = kMiB;             // of texts, before they are encoded
inline constexpr int64_t kDictionaryBytesMax = kMiB;    // of its texts; beyond there is none
inline constexpr int64_t kMergedBytesMax = 256 * kMiB;  // of the files that are merged into one
inline constexpr size_t kRecentMergeFilesMin = 16;      // small files that a run merges into one
inline constexpr size_t kRecentMergeFilesMax = 256;
inline constexpr int64_t kRecentMergeBytesMax = 16 * kMiB;  // together: a commit waits for it
inline constexpr int64_t kRecentMergeGrowth = 8;  // together so many times the largest of them
inline constexpr int64_t kSealedAsIsBytes = 128 * kMiB;   // a file so large is sealed as it is
inline constexpr int64_t kSealAfterUs = kDayUs;           // after its end a day is sealed
inline constexpr int64_t kSealCheckUs = 10 * kSecondUs;   // a server looks for days to seal
inline constexpr int64_t kSealRetryUs = 600 * kSecondUs;  // and tries a day that failed again
inline constexpr int64_t kBesideFileNumber = 1'000'000;   // files written beside commits: from here
inline constexpr int64_t kReconcileUs = 60 * kSecondUs;   // a server counts the lake again
inline constexpr int64_t kReconcileCellsUs = kSecondUs;   // of that for comparing KPI cells
inline constexpr size_t kReconcileFilesAtOnce = 256;      // by one statement
inline constexpr int kPausedRetrySeconds = 60;            // a sender of a paused source comes again
inline constexpr int64_t kCheckedFilesBytesMax = 256 * kMiB;  // list of files found sound
inline constexpr int64_t kVacuumGraceUs = 7 * kDayUs;         // a replaced file stays so long
inline constexpr int64_t kMergedGraceUs = 3600 * kSecondUs;   // a file that a run merged
inline constexpr int64_t kVacuumEveryUs = 60 * kSecondUs;     // a run removes those no more often
inline constexpr int64_t kDeltaPublishUs = 10 * kSecondUs;  // between versions while a run goes on
inline constexpr int64_t kDeltaCheckpointEvery = 10;        // versions of a Delta log
inline constexpr int64_t kDeltaTombstoneUs = 7 * kDayUs;    // a removed file is named so long
inline constexpr int64_t kDeltaLogUs = 30 * kDayUs;   // below a checkpoint versions stay so long
inline constexpr int64_t kDeltaVersionsMax = 10'000;  // and not more of them than this

// Rows under the ids that they name, for look-ups.
inline constexpr size_t kLookupBlockBytes = size_t{16} * 1024;  // of rows, compressed as one
inline constexpr int64_t kLookupBuildRows = 262'144;            // made into a run at once
inline constexpr int64_t kLookupMemoryRows = 65'536;  // kept in memory alone, not yet in a file
inline constexpr int64_t kLookupMemoryUs = 60 * kSecondUs;  // and no longer than this
inline constexpr int64_t kLookupEveryUs = kSecondUs / 2;    // between looks for new commits
inline constexpr int64_t kLookupRetryUs = 10 * kSecondUs;   // after a failure
inline constexpr size_t kLookupMergeRuns = 8;               // of about one size; they become one
inline constexpr int64_t kLookupRunRowsMax = 16'777'216;    // a larger run is not made
inline constexpr int64_t kLookupDaysDefault = 30;
inline constexpr int64_t kLookupDaysMax = 3'660;
inline constexpr size_t kLookupRowsMax = 10'000;      // that one question looks at
inline constexpr int64_t kTimelineRowsDefault = 100;  // in an answer
inline constexpr int64_t kTimelineRowsMax = 1'000;
inline constexpr size_t kLookupThreads = 2;       // that answer them
inline constexpr size_t kLookupWaitingMax = 256;  // questions

// The socket of a data folder, by which commands talk to the server that runs on it.
inline constexpr size_t kLocalLineBytesMax = 4 * kMiB;  // of a request or an answer
inline constexpr size_t kLocalConnectionsMax = 32;
inline constexpr int64_t kLocalAnswerUs = 10 * kSecondUs;  // to a question that is no work
inline constexpr int64_t kTopEveryUs = kSecondUs;          // between looks of `top`
inline constexpr int64_t kTapEveryUs = kSecondUs / 5;      // the same of `tap`
inline constexpr int64_t kTapRowsMax = 10;                 // of a commit, if nobody asks for more

// Kafka's client.
inline constexpr int64_t kKafkaReconnectUs = kSecondUs;       // at most, between two attempts
inline constexpr int64_t kKafkaGraceUs = 3 * kSecondUs / 2;   // then no broker can be reached
inline constexpr int64_t kKafkaComplaintUs = 60 * kSecondUs;  // an older one is not told
inline constexpr size_t kKafkaTroublesMax = 16;               // kept until somebody asks
inline constexpr int64_t kKafkaHintAgainUs = kSecondUs;       // after one has failed
inline constexpr int64_t kKafkaLastHintUs = kSecondUs;        // it may take, at the end
inline constexpr size_t kKafkaRoomMessages = 10'000;          // taken, until more are asked for
inline constexpr int64_t kKafkaFrameBytes = kMiB;             // of an answer, beside its messages

// HTTP server.
inline constexpr int64_t kHttpHeaderBytesMax = 16 * kKiB;  // request line and headers together
inline constexpr int64_t kHttpBodyBytesMax = 16 * kMiB;    // of one request, as sent
inline constexpr int64_t kHttpBodiesBytesMax =
    256 * kMiB;  // of all requests that are being read; more are told to come back
inline constexpr int kHttpConnectionsMax = 1024;  // more get 503
inline constexpr int kHttpRefusedMax = 64;  // connections over the maximum that are told so at once
inline constexpr int kHttpRetryAfterSeconds = 1;  // when a refused client may come back
inline constexpr int64_t kHttpHeaderTimeoutUs = 10 * kSecondUs;  // from the first byte of a request
inline constexpr int64_t kHttpBodyTimeoutUs =
    30 * kSecondUs;  // a body's, and as long again as its bytes take at the rate below
inline constexpr int64_t kHttpBytesPerSecondMin = 16 * kKiB;    // of a body that is sent to us
inline constexpr int64_t kHttpIdleTimeoutUs = 60 * kSecondUs;   // between two requests
inline constexpr int64_t kHttpWriteTimeoutUs = 30 * kSecondUs;  // until the client takes more of it
inline constexpr int64_t kHttpLingerUs =
    2 *
    kSecondUs;  // a closed connection is read so long, so that the answer is not lost to a reset
inline constexpr int64_t kHttpDrainUs = 10 * kSecondUs;  // for requests under way when it stops
inline constexpr int64_t kHttpTickUs = kSecondUs / 10;   // between two looks at the time limits
inline constexpr int64_t kHttpAcceptPauseUs = kSecondUs / 10;  // after accept() has failed
inline constexpr int64_t kHttpReadBytes = 8 * kKiB;            // kept for each connection
inline constexpr int64_t kHttpBodyReadBytes = 64 * kKiB;       // while it sends a large body

// Events that come as parameters of a request.
inline constexpr size_t kParametersMax = 100;
inline constexpr size_t kParameterNameBytesMax = 256;     // a value ends with its request
inline constexpr int64_t kFormBytesMax = 64 * kKiB;       // body of a form
inline constexpr int64_t kSigningKeyBytesMin = 32;        // as many as the hash has (RFC 2104)
inline constexpr int64_t kSigningKeyBytesMax = 4 * kKiB;  // a file with more holds something else

// Kafka.
inline constexpr int64_t kKafkaAnswerUs = 10 * kSecondUs;  // an answer of the cluster may take
inline constexpr int64_t kKafkaAgainUs = 5 * kSecondUs;    // until it is asked once more
inline constexpr int64_t kKafkaLookUs =
    10 * kSecondUs;  // between looks for what changed in the cluster
inline constexpr int64_t kKafkaPatienceUs = kSecondUs / 100;  // until a look for new messages
inline constexpr int64_t kKafkaQueueBytes = 64 * kMiB;        // fetched, not yet taken
inline constexpr int64_t kKafkaMessageBytesMax = 64 * kMiB;   // a longer one stops its partition
inline constexpr size_t kKafkaMessagesAtOnce = 4096;
inline constexpr int kKafkaSharesMax = 10'000;

// Producing to Kafka.
inline constexpr int64_t kKafkaTransactionUs = 60 * kSecondUs;          // its end may take
inline constexpr int64_t kKafkaTransactionTimeoutUs = 300 * kSecondUs;  // then brokers give it up
inline constexpr int64_t kKafkaTransactionRows = 100'000;  // of several commits; one is never cut
inline constexpr int64_t kKafkaTransactionCommits = 2048;
inline constexpr int64_t kKafkaRejectBytesMax = 900'000;           // a longer one is cut
inline constexpr int64_t kKafkaPositionUs = 3600 * kSecondUs;      // then it is told again
inline constexpr int64_t kKafkaProducePatienceUs = kSecondUs / 5;  // between looks whether to end

// Calls to other systems.
inline constexpr int64_t kCallTimeoutUs = 10 * kSecondUs;
inline constexpr int64_t kCallAnswerBytesMax = 16 * kMiB;
inline constexpr int64_t kRetryFirstUs = kSecondUs / 10;  // until a call that failed is made again
inline constexpr int64_t kRetryMostUs = 30 * kSecondUs;   // at most

// Schema registry.
inline constexpr int64_t kSchemaAgainUs = 10 * kSecondUs;  // another registry does not know an id
inline constexpr size_t kUnknownSchemasMax = 10'000;       // such ids that are remembered
inline constexpr int64_t kRegistrySchemaBytesMax = kMiB;   // text of a schema
inline constexpr int64_t kRegistryChangeBytesMax = 8 * kMiB;  // its text may need escapes
inline constexpr size_t kRegistrySubjectBytesMax = 1024;      // name
inline constexpr int64_t kRegistryNumberMax = 2'147'483'647;  // an id or a version
inline constexpr int kRegistryDepthMax = 512;  // types within types, when two are compared
inline constexpr int64_t kRegistryStepsMax = 1'000'000;  // to compare two schemas
inline constexpr size_t kRegistryReasonsMax = 100;       // told of two schemas that do not fit
inline constexpr size_t kRegistryWaitingMax = 1024;      // requests; more are told to come back

// State.
inline constexpr int kSnapshotsKept = 2;
inline constexpr int64_t kSnapshotStepBytes = 16 * kMiB;  // written of one between two commits
inline constexpr int64_t kSnapshotHeadBytes = 64 * kKiB;  // read to see which runs it needs
inline constexpr int64_t kIdsMemoryBytes =
    256 * kMiB;                             // half of it full, ids move to sorted runs on disk
inline constexpr int kIdsFilterBits = 12;   // of a run's filter, a key
inline constexpr int kIdsMergeStep = 4096;  // ids handed on at once
inline constexpr int64_t kSnapshotBytesMax = int64_t{64} * 1024 * kMiB;

// Ledger.
inline constexpr int64_t kCommitRecordBytesMax = 64 * kMiB;
inline constexpr int64_t kFileHeadBytesMax = 256 * kKiB;  // a longer head of a file is not kept
inline constexpr int64_t kFileHeadsPerCommitMax = 64;     // nor more of them in a commit
inline constexpr int64_t kRecordsPerPack = 2048;          // part of the format
inline constexpr int64_t kPackBytesMax = int64_t{64} * 1024 * kMiB;
inline constexpr size_t kRecentRecordsMax = 4096;  // that a ledger keeps in memory
inline constexpr int64_t kCommitsMax = int64_t{1} << 60;

// On-disk format of a data folder. A program refuses a folder with a higher number.
inline constexpr int kFormatVersion = 5;

}  // namespace adweave::limits
