"""Command adapter configurations with the very traits of the four that stock publishes, and clean ones beside them."""

from __future__ import annotations

from typing import Final

S3: Final = r"""
env_vars:
  - {key: BUCKET, value: my-bucket/chain}
  - {key: SUB_DIR, value: e1}
commands:
  create_backup: |
    echo "$BACKUP_NAME"
  create_for_write: |
    FILE_HANDLE="$BACKUP_HANDLE/$FILE_NAME"
    # the handle comes first, then the output is closed
    echo "$FILE_HANDLE"
    exec 1>&-
    gzip -c | aws s3 cp - "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE"
  open_for_read: |
    aws s3 cp "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE" - | gzip -cd
  save_metadata_line: |
    FILE_HANDLE="metadata/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-
    gzip -c | aws s3 cp - "s3://$BUCKET/$SUB_DIR/$FILE_HANDLE"
  list_metadata_files: |
    # what lies below metadata/
    (aws s3 ls s3://$BUCKET/$SUB_DIR/metadata/ ||:) | sed -ne "s#.* \(.*\)#metadata/\1#p"
  backup_metadata_file: |
    aws s3 mv s3://$BUCKET/$SUB_DIR/metadata/$FILE_NAME s3://$BUCKET/$SUB_DIR/metadata_backup/$FILE_NAME --no-progress
"""

GCS: Final = r"""
env_vars:
  - {key: BUCKET, value: my-bucket/chain}
  - {key: SUB_DIR, value: e1}
commands:
  create_backup: |
    echo "$BACKUP_NAME"
  create_for_write: |
    FILE_HANDLE="$BACKUP_HANDLE/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-
    gzip -c | gsutil -q cp - "gs://$BUCKET/$SUB_DIR/$FILE_HANDLE" > /dev/null
  open_for_read: |
    gsutil -q cp "gs://$BUCKET/$SUB_DIR/$FILE_HANDLE" - | gzip -cd
  save_metadata_line: |
    FILE_HANDLE="metadata/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-
    gzip -c | gsutil -q cp - "gs://$BUCKET/$SUB_DIR/$FILE_HANDLE" > /dev/null
  list_metadata_files: |
    (gsutil -q ls gs://$BUCKET/$SUB_DIR/metadata/ ||:) \
    | sed -ne "s#gs://.*/metadata/#metadata/#p"
  backup_metadata_file: |
    gsutil mv gs://$BUCKET/$SUB_DIR/metadata/$FILE_NAME gs://$BUCKET/$SUB_DIR/metadata_backup/$FILE_NAME
"""

AZURE: Final = r"""
env_vars:
  - {key: ACCOUNT, value: my-account}
  - {key: CONTAINER, value: box}
  - {key: SUB_DIR, value: e1}
  - {key: SAS, value: "?sv=1&sig=TOPSECRETSIGNATURE"}
commands:
  create_backup: |
    echo "$BACKUP_NAME"
  create_for_write: |
    FILE_HANDLE="$BACKUP_HANDLE/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-
    gzip -c | azcopy cp --from-to PipeBlob "https://$ACCOUNT.blob.core.windows.net/$CONTAINER/$SUB_DIR/$FILE_HANDLE$SAS" > /dev/null
  open_for_read: |
    azcopy cp --from-to BlobPipe "https://$ACCOUNT.blob.core.windows.net/$CONTAINER/$SUB_DIR/$FILE_HANDLE$SAS" < /dev/null | gzip -cd
  save_metadata_line: |
    FILE_HANDLE="metadata/$FILE_NAME"
    echo "$FILE_HANDLE"
    exec 1>&-
    gzip -c | azcopy cp --from-to PipeBlob "https://$ACCOUNT.blob.core.windows.net/$SUBDIR/$FILE_HANDLE$SAS" > /dev/null
  list_metadata_files: |
    (azcopy ls "https://$ACCOUNT.blob.core.windows.net/$CONTAINER/$SUB_DIR/metadata/$SAS" ||:) \
    | sed -ne "s#; .*##;s#INFO: \(.*\.meta\)#metadata/\1#p"
  backup_metadata_file: |
    azcopy sync "https://$ACCOUNT.blob.core.windows.net/$CONTAINER/$SUB_DIR/metadata/$FILE_NAME$SAS" "https://$ACCOUNT.blob.core.windows.net/$CONTAINER/$SUB_DIR/metadata_backup/$FILE_NAME$SAS" --move=true
"""

FOLDER: Final = r"""
env_vars:
  - {key: FOLDER, value: /srv/backup}
commands:
  create_backup: 'cd "$FOLDER" && mkdir $BACKUP_NAME && echo $BACKUP_NAME'
  create_for_write: 'cd "$FOLDER" && cd "$BACKUP_HANDLE" && test ! -f $FILE_NAME && touch $FILE_NAME && echo $BACKUP_HANDLE/$FILE_NAME && exec >&- && gzip -c > $FILE_NAME'
  open_for_read: 'cat "$FOLDER/$FILE_HANDLE" | gzip -cd'
  save_metadata_line: 'cd "$FOLDER" && mkdir -p metadata && cd metadata && gzip -c > $FILE_NAME'
  list_metadata_files: 'cd "$FOLDER" && (test -d metadata && cd metadata && ls -1 || exec) | while read f; do echo metadata/$f; done'
"""

CLEAN_GCS: Final = r"""
env_vars:
  - {key: BUCKET, value: my-bucket/chain}
commands:
  create_backup: echo "$BACKUP_NAME"
  create_for_write: |
    handle="$BACKUP_HANDLE/$FILE_NAME"
    printf '%s\n' "$handle"
    exec >&-
    gzip -c | gsutil -q cp -n - "gs://$BUCKET/$handle"
  open_for_read: gsutil -q cp "gs://$BUCKET/$FILE_HANDLE" - | gzip -cd
  save_metadata_line: |
    echo "metadata/$FILE_NAME"
    exec 1>&-
    gzip -c | gsutil -q cp -n - "gs://$BUCKET/metadata/$FILE_NAME"
  list_metadata_files: |
    gsutil -q ls "gs://$BUCKET/metadata/" | sed -ne 's#^gs://.*/metadata/\([^/]*\.meta\)$#metadata/\1#p'
  backup_metadata_file: |
    gsutil mv -n "gs://$BUCKET/metadata/$FILE_NAME" "gs://$BUCKET/metadata_backup/$FILE_NAME"
"""

CLEAN_FOLDER: Final = r"""
env_vars:
  - {key: FOLDER, value: /srv/backup}
commands:
  create_backup: mkdir -p -- "$FOLDER/$BACKUP_NAME" && echo "$BACKUP_NAME"
  create_for_write: |
    set -o noclobber
    echo "$BACKUP_HANDLE/$FILE_NAME"
    exec 1>&-
    cat > "$FOLDER/$BACKUP_HANDLE/$FILE_NAME"
  open_for_read: cat -- "$FOLDER/$FILE_HANDLE"
  save_metadata_line: |
    set -o noclobber
    echo "metadata/$FILE_NAME"
    exec 1>&-
    cat > "$FOLDER/metadata/$FILE_NAME"
  list_metadata_files: cd -- "$FOLDER/metadata" && for f in *; do printf 'metadata/%s\n' "$f"; done
  backup_metadata_file: mkdir -p -- "$FOLDER/metadata_backup" && mv -n -- "$FOLDER/metadata/$FILE_NAME" "$FOLDER/metadata_backup/$FILE_NAME"
"""
